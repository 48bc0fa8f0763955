using Azure.Core;
using Azure.Data.Tables;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Sessions.Endpoints;
using Sessions.Gateway;
using Sessions.Storage;

namespace Sessions.LocalHost;

/// <summary>The functions on Kestrel, with Azurite started for them unless other storage is configured.</summary>
public static class LocalHostProgram
{
    private const string DefaultUrl = "http://localhost:7071";

    /// <summary>Runs until Ctrl+C.</summary>
    /// <exception cref="LocalHostException">It cannot start.</exception>
    /// <exception cref="InvalidConfigurationException">A setting is wrong.</exception>
    public static async Task RunAsync(string[] args)
    {
        LocalStorage.WarmUp();

        var builder = ConsoleServer.CreateBuilder(args, DefaultUrl);
        await using var azurite = await LocalStorage.ProvideAsync(builder.Configuration);
        LocalStorage.ProvideTokenSigningKey(builder.Configuration);
        var prepared = Task.CompletedTask;
        builder.Services.AddQueuePollers(() => prepared);
        await using var app = Build(builder, services => prepared = Task.Run(() => LocalStorage.PrepareAsync(services)));
        try
        {
            await ConsoleServer.StartAsync(app);
        }
        catch (GatewayException exception)
        {
            throw new LocalHostException(exception.Message);
        }

        await prepared;
        Welcome.Write(app.Urls.First(), azurite);
        var shutdown = app.WaitForShutdownAsync();
        if (azurite is not null && await Task.WhenAny(shutdown, azurite.Ended()) != shutdown)
            throw new LocalHostException("Azurite ended.");
        await shutdown;
    }

    /// <summary>The web application that serves the functions, once <paramref name="prepare"/> has done its work.</summary>
    public static WebApplication Build(WebApplicationBuilder builder, Func<IServiceProvider, Task>? prepare = null)
    {
        builder.Services.TryAddSingleton(_ => ClientOptions());
        AllowLocalReceivers(builder.Configuration);
        builder.Services.AddSessions(builder.Configuration).AddSessionsTelemetry(builder.Configuration);
        builder.Services.AddGateway(builder.Configuration);
        builder.Services.AddHostedService<SweepTimer>();
        builder.Services.AddSingleton<CallPage>().AddSingleton<StartPage>().AddRouting();
        var app = builder.Build();
        app.Use(new RequestLog(app.Services.GetRequiredService<ILoggerFactory>().CreateLogger(RequestLog.Category)).InvokeAsync);
        if (prepare is not null)
        {
            // While the web server starts: who calls already, waits.
            var prepared = prepare(app.Services);
            app.Use(async (http, next) =>
            {
                await prepared;
                await next(http);
            });
        }

        app.UseGateway();
        app.Use(app.Services.GetRequiredService<CallPage>().InvokeAsync);
        app.Use((http, next) => app.Services.GetRequiredService<StartPage>().InvokeAsync(http, next));
        app.Use(DocumentPages.InvokeAsync);
        app.UseReference();
        app.Run(new FunctionRouter(typeof(ServiceRegistration).Assembly, app.Services).InvokeAsync);
        return app;
    }

    /// <summary>Has the queues' functions run, in place of the host, once <paramref name="prepared"/> has ended.</summary>
    public static IServiceCollection AddQueuePollers(this IServiceCollection services, Func<Task> prepared)
        => services
            .AddQueuePoller(Queues.EventsName, prepared, provider => ActivatorUtilities.CreateInstance<DeliverEvents>(provider).Run)
            .AddQueuePoller(Queues.WebhooksName, prepared, provider => ActivatorUtilities.CreateInstance<DeliverWebhooks>(provider).Run);

    private static IServiceCollection AddQueuePoller(
        this IServiceCollection services, string queue, Func<Task> prepared, Func<IServiceProvider, Func<string, CancellationToken, Task>> function)
        => services.AddSingleton<IHostedService>(provider => new QueuePoller(
            provider.GetRequiredService<Queues>(),
            queue,
            (message, cancellation) => function(provider)(message, cancellation),
            prepared,
            provider.GetRequiredService<ILogger<QueuePoller>>()));

    /// <summary>Webhooks may be sent to programs on this machine, unless a setting says otherwise.</summary>
    private static void AllowLocalReceivers(ConfigurationManager configuration)
    {
        configuration["Sessions:Webhooks:AllowHttp"] ??= "true";
        configuration["Sessions:Webhooks:AllowPrivateAddresses"] ??= "loopback";
    }

    private static TableClientOptions ClientOptions()
    {
        var options = StorageClient.Options();
        options.AddPolicy(new EmulatorLimit(), HttpPipelinePosition.PerRetry);
        return options;
    }
}
