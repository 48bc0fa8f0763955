using System.Net;
using System.Reflection;
using System.Security.Cryptography;
using Azure.Data.Tables;
using Sessions.Security;
using Sessions.Storage;

namespace Sessions.LocalHost;

/// <summary>The functions on Kestrel, with Azurite started for them unless other storage is configured.</summary>
public static class LocalHostProgram
{
    private const string DefaultUrl = "http://localhost:7071";
    private const string Account = "9900000";
    private const string User = "local";
    private const string Secret = "local";

    /// <summary>The folder with Azurite's package.json, its installation and its data.</summary>
    public static string AzuriteFolder { get; } = typeof(LocalHostProgram).Assembly
        .GetCustomAttributes<AssemblyMetadataAttribute>().Single(metadata => metadata.Key == nameof(AzuriteFolder)).Value!;

    private static string DataFolder => Path.Combine(AzuriteFolder, "data");

    /// <summary>Runs until Ctrl+C.</summary>
    /// <exception cref="LocalHostException">It cannot start.</exception>
    /// <exception cref="InvalidConfigurationException">A setting is wrong.</exception>
    public static async Task RunAsync(string[] args)
    {
        // Another core loads the table client's code while this one builds the web server.
        _ = Task.Run(() => new TableServiceClient("UseDevelopmentStorage=true", StorageFaults.ClientOptions()));

        // What the defaults add to this (files of settings that are watched, filters of hosts) would only make a start slower.
        var builder = WebApplication.CreateEmptyBuilder(new());
        builder.Configuration.AddEnvironmentVariables("ASPNETCORE_").AddEnvironmentVariables().AddCommandLine(args);
        builder.WebHost.UseKestrelCore();
        builder.Logging
            .AddConfiguration(builder.Configuration.GetSection("Logging"))
            .AddFilter("Microsoft", LogLevel.Warning)
            .AddFilter("Microsoft.Extensions.Hosting.Internal.Host", LogLevel.Critical) // A failed start is told below.
            .AddSimpleConsole(console => console.SingleLine = true);
        if (builder.Configuration["urls"] is null)
            builder.WebHost.UseUrls(DefaultUrl);

        await using var azurite = await ProvideStorageAsync(builder.Configuration);
        ProvideTokenSigningKey(builder.Configuration);
        var prepared = Task.CompletedTask;
        await using var app = Build(builder, services => prepared = Task.Run(() => PrepareStorageAsync(services)));
        try
        {
            await app.StartAsync();
        }
        catch (Exception exception) when (exception is IOException or FormatException or InvalidOperationException)
        {
            throw new LocalHostException($"{exception.Message} Choose another address with --urls http://localhost:PORT.");
        }

        await prepared;
        Welcome(app.Urls.First(), azurite);
        var shutdown = app.WaitForShutdownAsync();
        if (azurite is not null && await Task.WhenAny(shutdown, azurite.Ended()) != shutdown)
            throw new LocalHostException("Azurite ended.");
        await shutdown;
    }

    /// <summary>The web application that serves the functions, once <paramref name="prepare"/> has done its work.</summary>
    public static WebApplication Build(WebApplicationBuilder builder, Func<IServiceProvider, Task>? prepare = null)
    {
        builder.Services.AddSessions(builder.Configuration).AddSessionsTelemetry(builder.Configuration);
        builder.Services.AddHostedService<SweepTimer>();
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

        app.Run(new FunctionRouter(typeof(ServiceRegistration).Assembly, app.Services).InvokeAsync);
        return app;
    }

    /// <summary>Starts Azurite, unless storage is configured.</summary>
    private static async Task<Azurite?> ProvideStorageAsync(ConfigurationManager configuration)
    {
        if (configuration["Sessions:StorageConnectionString"] is { Length: > 0 } || configuration["Sessions:StorageTableEndpoint"] is { Length: > 0 })
            return null;

        var azurite = await Azurite.StartAsync(AzuriteFolder, DataFolder);
        configuration["Sessions:StorageConnectionString"] = azurite.ConnectionString();
        return azurite;
    }

    /// <summary>Makes a signing key once, unless one is configured, so that tokens outlive a restart.</summary>
    private static void ProvideTokenSigningKey(ConfigurationManager configuration)
    {
        if (configuration["Sessions:TokenSigningKey"] is not null)
            return;

        var file = Path.Combine(DataFolder, "token-signing.key");
        if (!File.Exists(file))
        {
            Directory.CreateDirectory(DataFolder);
            File.WriteAllText(file, RandomNumberGenerator.GetHexString(64));
        }

        configuration["Sessions:TokenSigningKey"] = File.ReadAllText(file);
    }

    /// <summary>Makes the tables, and in storage on this machine the credential that everyone can read here.</summary>
    private static async Task PrepareStorageAsync(IServiceProvider services)
    {
        var storage = services.GetRequiredService<TableServiceClient>();
        var credentials = services.GetRequiredService<CredentialStore>();
        var credential = new Credential(BasicCredentials.Hash(Secret), Access.Write);
        try
        {
            // The credential is made last: where it is, the tables are, and one read is all that a start needs.
            if (storage.Uri.IsLoopback && await IsThereAsync(credentials, credential))
                return;

            await services.GetRequiredService<Tables>().CreateAsync(CancellationToken.None);
            if (storage.Uri.IsLoopback)
                await credentials.SaveAsync(Account, User, credential, CancellationToken.None);
            else
                Console.WriteLine($"{storage.Uri.Host} is not on this machine: the credential {User}:{Secret} is not made there.");
        }
        catch (Exception exception) when (StorageFaults.IsTransient(exception) || exception is Azure.RequestFailedException)
        {
            var last = exception is AggregateException tries ? tries.InnerExceptions[^1] : exception;
            var reason = last.GetBaseException().Message.Split('\n')[0].TrimEnd();
            throw new LocalHostException($"The tables at {storage.Uri.GetLeftPart(UriPartial.Authority)} cannot be used: {reason}");
        }
    }

    private static async Task<bool> IsThereAsync(CredentialStore credentials, Credential credential)
    {
        try
        {
            return await credentials.FindAsync(Account, User, CancellationToken.None) is { } stored
                && stored.Access == credential.Access
                && stored.SecretHash.AsSpan().SequenceEqual(credential.SecretHash);
        }
        catch (Azure.RequestFailedException exception) when (exception.Status == (int)HttpStatusCode.NotFound)
        {
            return false; // Not even the table.
        }
    }

    private static void Welcome(string address, Azurite? azurite)
    {
        var url = address.Replace("[::]", "localhost", StringComparison.Ordinal).Replace("0.0.0.0", "localhost", StringComparison.Ordinal);
        Console.WriteLine($$"""

            Sessions listens. The base URL for your SDK: {{url}}/v1
            A first call, with account {{Account}}, user {{User}} and secret {{Secret}}:

              curl -u {{User}}:{{Secret}} {{url}}/v1/accounts/{{Account}}/sessions -H 'Content-Type: application/json' -d '{"tag":"first"}'

            """);
        if (azurite is not null)
        {
            // Azurite's account and key are well known, and it listens on this machine only.
            Console.WriteLine($"""
                Its storage, for the command line (src/Cli):

                  export Sessions__StorageConnectionString='{azurite.ConnectionString()}'

                """);
        }

        Console.WriteLine("Ctrl+C ends it.");
    }
}
