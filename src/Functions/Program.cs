using Microsoft.Azure.Functions.Worker.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Sessions;

var builder = FunctionsApplication.CreateBuilder(args);
try
{
    builder.Services.AddSessions(builder.Configuration).AddSessionsTelemetry(builder.Configuration);

    // Told and not refused: a deployment may set what only the next version of the code knows.
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
