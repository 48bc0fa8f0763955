using Microsoft.Azure.Functions.Worker.Builder;
using Microsoft.Extensions.Hosting;
using Sessions;

var builder = FunctionsApplication.CreateBuilder(args);
try
{
    builder.Services.AddSessions(builder.Configuration).AddSessionsTelemetry(builder.Configuration);
}
catch (InvalidConfigurationException exception)
{
    await Console.Error.WriteLineAsync(exception.Message);
    return 1;
}

await builder.Build().RunAsync();
return 0;
