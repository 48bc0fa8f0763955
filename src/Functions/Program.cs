using Microsoft.Azure.Functions.Worker.Builder;
using Microsoft.Extensions.Hosting;
using Sessions;

var builder = FunctionsApplication.CreateBuilder(args);
try
{
    builder.Services.AddSessions(builder.Configuration).AddSessionsTelemetry(builder.Configuration);

    // Told and not refused: a deployment may set what only the next version of the code knows.
    foreach (var line in Setting.FindUnknown(builder.Configuration, "Sessions", SessionsOptions.All))
        await Console.Error.WriteLineAsync(line);
    foreach (var line in SessionsOptions.Read(builder.Configuration).DescribeTimes(DateTimeOffset.UtcNow))
        await Console.Out.WriteLineAsync(line);
}
catch (InvalidConfigurationException exception)
{
    await Console.Error.WriteLineAsync(exception.Message);
    return 1;
}

await builder.Build().RunAsync();
return 0;
