using Sessions.Storage;

namespace Sessions.Gateway;

/// <summary>The gateway cannot start. The message is one line with the reason and the remedy.</summary>
public sealed class GatewayException(string message) : Exception(message);

/// <summary>The gateway as a separate program, which uses the storage of an API that runs elsewhere.</summary>
public static class GatewayProgram
{
    private const string DefaultUrl = "http://localhost:7073";

    /// <summary>Runs until Ctrl+C.</summary>
    /// <exception cref="GatewayException">It cannot start.</exception>
    /// <exception cref="InvalidConfigurationException">A setting is not valid.</exception>
    public static async Task RunAsync(string[] args)
    {
        var builder = ConsoleServer.CreateBuilder(args, DefaultUrl);
        await using var app = Build(builder);
        await ConsoleServer.StartAsync(app);
        foreach (var line in app.Services.GetRequiredService<SessionsOptions>().DescribeTimes(DateTimeOffset.UtcNow))
            await Console.Out.WriteLineAsync(line);
        await Console.Out.WriteLineAsync($"Devices connect to {app.Urls.First()}. Press Ctrl+C to stop.");
        await app.WaitForShutdownAsync();
    }

    /// <summary>Builds the web application, which serves devices and <c>/health</c>.</summary>
    public static WebApplication Build(WebApplicationBuilder builder)
    {
        AddOptions(builder);
        builder.Services.AddTables().AddEventQueue().AddSessionsTelemetry(builder.Configuration);
        var app = builder.Build();
        app.UseGateway();
        var health = app.Services.GetRequiredService<GatewayHealth>();
        app.Run(http =>
        {
            if (http.Request.Path == "/health")
                return health.InvokeAsync(http);

            http.Response.StatusCode = StatusCodes.Status404NotFound;
            return Task.CompletedTask;
        });
        return app;
    }

    /// <summary>Reads the settings of the API and of the gateway, so that all mistakes are reported at once.</summary>
    private static void AddOptions(WebApplicationBuilder builder)
    {
        List<string> mistakes = [.. GatewayOptions.FindUnknownSettings(builder.Configuration)];
        Try(() =>
        {
            var options = SessionsOptions.Read(builder.Configuration);
            if (options.TokenSigningSecret is not null)
                throw new InvalidConfigurationException([$"{Setting.AsTyped(builder.Configuration, "Sessions:TokenSigningKey")}: expected the key itself, because only App Service resolves a Key Vault reference."]);

            builder.Services.AddSingleton(options);
        });
        Try(() => builder.Services.AddGateway(builder.Configuration));
        if (mistakes.Count > 0)
            throw new InvalidConfigurationException(mistakes);

        void Try(Action read)
        {
            try
            {
                read();
            }
            catch (InvalidConfigurationException exception)
            {
                mistakes.Add(exception.Message);
            }
        }
    }
}
