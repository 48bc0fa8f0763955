using Azure.Core;
using Azure.Data.Tables;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Sessions.Endpoints;
using Sessions.Gateway;
using Sessions.Storage;

namespace Sessions.LocalHost;

/// <summary>Runs the functions on Kestrel. Starts Azurite for them unless other storage is configured.</summary>
public static class LocalHostProgram
{
    private const string DefaultUrl = "http://localhost:7071";

    /// <summary>Runs until Ctrl+C.</summary>
    /// <exception cref="LocalHostException">LocalHost cannot start.</exception>
    /// <exception cref="GatewayException">The gateway cannot listen on its port.</exception>
    /// <exception cref="InvalidConfigurationException">A setting is invalid.</exception>
    public static async Task RunAsync(string[] args)
    {
        if (await LocalHostArguments.ReadAsync(args) is not { } arguments)
            return;

        LocalStorage.WarmUp();
        var builder = ConsoleServer.CreateBuilder(arguments.Settings, DefaultUrl);
        RefuseUnknownSettings(builder.Configuration);
        RefuseKnownCredentialOnNetwork(builder.Configuration, arguments.Access);
        var data = new LocalData(arguments.DataFolder is { } folder ? Path.GetFullPath(folder) : LocalStorage.DataFolder);
        await using var azurite = await LocalStorage.ProvideAsync(builder.Configuration, data.Folder);
        LocalStorage.ProvideTokenSigningKey(builder.Configuration, data.Folder);
        builder.Services.AddSingleton(arguments.Access);
        var prepared = Task.CompletedTask;
        builder.Services.AddQueuePollers(() => prepared);
        await using var app = Build(builder, services => prepared = Task.Run(() => LocalStorage.PrepareAsync(services)));
        await ConsoleServer.StartAsync(app);
        try
        {
            await prepared;
            if (azurite is not null)
                data.WriteRunning(new(Environment.ProcessId, app.Urls.First(), azurite.ConnectionString()));
            Welcome.Write(app, azurite, arguments.Access);
            var shutdown = app.WaitForShutdownAsync();
            if (azurite is not null && await Task.WhenAny(shutdown, azurite.Ended()) != shutdown)
                throw new LocalHostException("Azurite stopped unexpectedly.");
            await shutdown;
        }
        catch (LocalHostException)
        {
            // Without this call, the host treats the end of its background services as a failure, and logs it as critical.
            await app.StopAsync();
            throw;
        }
    }

    private static void RefuseUnknownSettings(ConfigurationManager configuration)
    {
        if (GatewayOptions.FindUnknownSettings(configuration).ToArray() is [_, ..] unknown)
            throw new InvalidConfigurationException(unknown);
    }

    private static void RefuseKnownCredentialOnNetwork(ConfigurationManager configuration, LocalAccess access)
    {
        var open = ConsoleServer.AddressesOf(configuration["urls"] ?? "").FirstOrDefault(address => !ConsoleServer.IsLocal(address));
        if (open is not null && access is { IsKnown: true, IsOpenToNetwork: false } && LocalStorage.IsOnThisMachine(configuration))
        {
            throw new LocalHostException(
                $"Your network can reach {open}, so everybody there could use account {LocalCredential.Account} with the known credential local:local. "
                + "Give a credential of your own with --credential USER:SECRET, or accept this with --open-to-network.");
        }
    }

    /// <summary>
    /// Builds the web application that serves the functions. Requests wait until <paramref name="prepare"/> has completed.
    /// </summary>
    public static WebApplication Build(WebApplicationBuilder builder, Func<IServiceProvider, Task>? prepare = null)
    {
        builder.Services.TryAddSingleton(_ => ClientOptions());
        AllowLocalReceivers(builder.Configuration);
        builder.Services.AddSessions(builder.Configuration).AddSessionsTelemetry(builder.Configuration);
        builder.Services.AddGateway(builder.Configuration);
        builder.Services.AddHostedService<SweepTimer>();
        builder.Services.TryAddSingleton(LocalAccess.Known);
        builder.Services.AddSingleton<CallPage>().AddSingleton<StartPage>().AddRouting();
        var app = builder.Build();
        app.Use(new RequestLog(app.Services.GetRequiredService<ILoggerFactory>().CreateLogger(RequestLog.Category)).InvokeAsync);
        if (prepare is not null)
        {
            // This runs while the web server starts, and early requests wait for it.
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

    /// <summary>Runs the functions of the queues in place of the host, after <paramref name="prepared"/> has completed.</summary>
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

    /// <summary>Allows webhooks to programs on this machine, unless a setting forbids them.</summary>
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
