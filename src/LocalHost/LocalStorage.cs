using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using Azure.Data.Tables;
using Sessions.Security;
using Sessions.Storage;

namespace Sessions.LocalHost;

/// <summary>The storage of LocalHost on this machine: its folder, its tables and its queues.</summary>
public static class LocalStorage
{
    /// <summary>The folder with Azurite's package.json, its installation and its data.</summary>
    public static string AzuriteFolder { get; } = LocalData.FindFolder("azurite", AppContext.BaseDirectory);

    // These follow the ports of the API, of the media and of the gateway.
    private const int TablePort = 7074;
    private const int QueuePort = 7075;

    /// <summary>The default folder for the data.</summary>
    internal static string DataFolder => Path.Combine(AzuriteFolder, "data");

    /// <summary>Loads the table client's code on another core while this one builds the web server. Nothing waits for it.</summary>
    internal static void WarmUp() => _ = Task.Run(() => new TableServiceClient("UseDevelopmentStorage=true", StorageClient.Options()));

    /// <summary>Starts Azurite, unless storage is configured.</summary>
    internal static async Task<Azurite?> ProvideAsync(ConfigurationManager configuration, string dataFolder)
    {
        if (IsConfigured(configuration))
            return null;

        // The ports are the same at every start, so that an exported connection string stays valid.
        var azurite = await Azurite.StartAsync(AzuriteFolder, dataFolder, UnlessTaken(TablePort), UnlessTaken(QueuePort));
        configuration["Sessions:StorageConnectionString"] = azurite.ConnectionString();
        return azurite;
    }

    /// <summary>Whether the storage is on this machine. Only there does LocalHost create its credential.</summary>
    /// <exception cref="InvalidConfigurationException">The storage settings are invalid.</exception>
    internal static bool IsOnThisMachine(ConfigurationManager configuration)
        => !IsConfigured(configuration) || StorageOptions.Read(configuration).Connect(StorageClient.Options()).Uri.IsLoopback;

    private static bool IsConfigured(ConfigurationManager configuration)
        => configuration["Sessions:StorageConnectionString"] is { Length: > 0 } || configuration["Sessions:StorageTableEndpoint"] is { Length: > 0 };

    private static int? UnlessTaken(int port)
    {
        try
        {
            using var listener = new TcpListener(IPAddress.Loopback, port);
            listener.Start();
            return port;
        }
        catch (SocketException)
        {
            Console.WriteLine($"Another program uses port {port}, so the storage uses a different port this time.");
            return null;
        }
    }

    /// <summary>Creates a signing key if none is configured, and keeps it, so that tokens stay valid after a restart.</summary>
    internal static void ProvideTokenSigningKey(ConfigurationManager configuration, string folder)
    {
        if (configuration["Sessions:TokenSigningKey"] is not null)
            return;

        var file = Path.Combine(folder, "token-signing.key");
        if (!File.Exists(file))
        {
            Directory.CreateDirectory(folder);
            File.WriteAllText(file, RandomNumberGenerator.GetHexString(64));
        }

        configuration["Sessions:TokenSigningKey"] = File.ReadAllText(file);
    }

    /// <summary>
    /// Creates the tables and queues, and in storage on this machine also the feed and the credential of the local account.
    /// </summary>
    internal static async Task PrepareAsync(IServiceProvider services)
    {
        var storage = services.GetRequiredService<TableServiceClient>();
        var credentials = services.GetRequiredService<CredentialStore>();
        var access = services.GetService<LocalAccess>() ?? LocalAccess.Known;
        var credential = new Credential(BasicCredentials.Hash(access.Secret), Access.Write);
        try
        {
            // If the user chose another credential, the default one of an earlier start must no longer be valid.
            if (storage.Uri.IsLoopback && access.User != LocalCredential.User)
                await RemoveKnownAsync(credentials);

            // The feed is turned on before the credential is created, so if both exist, everything else exists as well. A start then needs
            // only two parallel reads.
            if (storage.Uri.IsLoopback && await IsThereAsync(credentials, services.GetRequiredService<Feeds>(), access.User, credential))
                return;

            await Task.WhenAll(
                services.GetRequiredService<Tables>().CreateAsync(CancellationToken.None),
                services.GetRequiredService<Queues>().CreateAsync(CancellationToken.None));
            if (storage.Uri.IsLoopback)
            {
                await services.GetRequiredService<Feeds>().TurnOnAsync(LocalCredential.AccountId, CancellationToken.None);
                await credentials.SaveAsync(LocalCredential.AccountId, access.User, credential, CancellationToken.None);
            }
            else
            {
                Console.WriteLine($"{storage.Uri.Host} is not on this machine, so LocalHost does not create the credential of the user {access.User} there.");
            }
        }
        catch (Exception exception) when (StorageFaults.IsTransient(exception) || exception is Azure.RequestFailedException)
        {
            var last = exception is AggregateException tries ? tries.InnerExceptions[^1] : exception;
            var reason = last.GetBaseException().Message.Split('\n')[0].TrimEnd();
            throw new LocalHostException($"The tables at {storage.Uri.GetLeftPart(UriPartial.Authority)} cannot be used: {reason}");
        }
    }

    private static async Task RemoveKnownAsync(CredentialStore credentials)
    {
        try
        {
            await credentials.RemoveAsync(LocalCredential.AccountId, LocalCredential.User, CancellationToken.None);
        }
        catch (Azure.RequestFailedException exception) when (exception.Status == (int)HttpStatusCode.NotFound)
        {
            // The table does not exist.
        }
    }

    private static async Task<bool> IsThereAsync(CredentialStore credentials, Feeds feeds, string user, Credential credential)
    {
        try
        {
            var asking = feeds.IsOnAsync(LocalCredential.AccountId, CancellationToken.None).AsTask();
            var finding = credentials.FindAsync(LocalCredential.AccountId, user, CancellationToken.None);
            await Task.WhenAll(asking, finding);
            return await asking
                && await finding is { } stored
                && stored.Access == credential.Access
                && stored.SecretHash.AsSpan().SequenceEqual(credential.SecretHash);
        }
        catch (Azure.RequestFailedException exception) when (exception.Status == (int)HttpStatusCode.NotFound)
        {
            return false; // The table does not exist.
        }
    }
}
