using Microsoft.Azure.Functions.Worker.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Sessions;

var builder = FunctionsApplication.CreateBuilder(args);
try
{
    builder.Services.AddSessions(builder.Configuration).AddSessionsTelemetry(builder.Configuration);

    // Unknown settings are reported but accepted, because a deployment may set one that only the next version of the code has.
    foreach (var line in Setting.FindUnknown(builder.Configuration, "Sessions", SessionsOptions.All))
        await Console.Error.WriteLineAsync(line);
}
catch (InvalidConfigurationException exception)
{
    await Console.Error.WriteLineAsync(exception.Message);
    return 1;
}

var host = builder.Build();
foreach (var line in host.Services.GetRequiredService<SessionsOptions>().DescribeTimes(DateTimeOffset.UtcNow))
    await Console.Out.WriteLineAsync(line);
await host.RunAsync();
return 0;
