using System.Net;
using System.Reflection;
using System.Security.Cryptography;
using Azure.Data.Tables;
using Sessions.Security;
using Sessions.Storage;

namespace Sessions.LocalHost;

/// <summary>What LocalHost keeps on this machine, in its folder and in its tables.</summary>
public static class LocalStorage
{
    /// <summary>The folder with Azurite's package.json, its installation and its data.</summary>
    public static string AzuriteFolder { get; } = typeof(LocalStorage).Assembly
        .GetCustomAttributes<AssemblyMetadataAttribute>().Single(metadata => metadata.Key == nameof(AzuriteFolder)).Value!;

    private static string DataFolder => Path.Combine(AzuriteFolder, "data");

    /// <summary>Has another core load the table client's code while this one builds the web server; nothing waits for it.</summary>
    internal static void WarmUp() => _ = Task.Run(() => new TableServiceClient("UseDevelopmentStorage=true", StorageClient.Options()));

    /// <summary>Starts Azurite, unless storage is configured.</summary>
    internal static async Task<Azurite?> ProvideAsync(ConfigurationManager configuration)
    {
        if (configuration["Sessions:StorageConnectionString"] is { Length: > 0 } || configuration["Sessions:StorageTableEndpoint"] is { Length: > 0 })
            return null;

        var azurite = await Azurite.StartAsync(AzuriteFolder, DataFolder);
        configuration["Sessions:StorageConnectionString"] = azurite.ConnectionString();
        return azurite;
    }

    /// <summary>Makes a signing key once, unless one is configured, so that tokens outlive a restart.</summary>
    internal static void ProvideTokenSigningKey(ConfigurationManager configuration, string? folder = null)
    {
        if (configuration["Sessions:TokenSigningKey"] is not null)
            return;

        folder ??= DataFolder;
        var file = Path.Combine(folder, "token-signing.key");
        if (!File.Exists(file))
        {
            Directory.CreateDirectory(folder);
            File.WriteAllText(file, RandomNumberGenerator.GetHexString(64));
        }

        configuration["Sessions:TokenSigningKey"] = File.ReadAllText(file);
    }

    /// <summary>Makes the tables, and in storage on this machine the credential that everyone can read here.</summary>
    internal static async Task PrepareAsync(IServiceProvider services)
    {
        var storage = services.GetRequiredService<TableServiceClient>();
        var credentials = services.GetRequiredService<CredentialStore>();
        var credential = new Credential(BasicCredentials.Hash(LocalCredential.Secret), Access.Write);
        try
        {
            // The credential is made last, and the feed is turned on before: where both are, so is all the rest, and two reads at once
            // are all that a start needs.
            if (storage.Uri.IsLoopback && await IsThereAsync(credentials, services.GetRequiredService<Feeds>(), credential))
                return;

            await Task.WhenAll(
                services.GetRequiredService<Tables>().CreateAsync(CancellationToken.None),
                services.GetRequiredService<Queues>().CreateAsync(CancellationToken.None));
            if (storage.Uri.IsLoopback)
            {
                await services.GetRequiredService<Feeds>().TurnOnAsync(LocalCredential.AccountId, CancellationToken.None);
                await credentials.SaveAsync(LocalCredential.AccountId, LocalCredential.User, credential, CancellationToken.None);
            }
            else
            {
                Console.WriteLine($"{storage.Uri.Host} is not on this machine: the credential {LocalCredential.User}:{LocalCredential.Secret} is not made there.");
            }
        }
        catch (Exception exception) when (StorageFaults.IsTransient(exception) || exception is Azure.RequestFailedException)
        {
            var last = exception is AggregateException tries ? tries.InnerExceptions[^1] : exception;
            var reason = last.GetBaseException().Message.Split('\n')[0].TrimEnd();
            throw new LocalHostException($"The tables at {storage.Uri.GetLeftPart(UriPartial.Authority)} cannot be used: {reason}");
        }
    }

    private static async Task<bool> IsThereAsync(CredentialStore credentials, Feeds feeds, Credential credential)
    {
        try
        {
            var asking = feeds.IsOnAsync(LocalCredential.AccountId, CancellationToken.None).AsTask();
            var finding = credentials.FindAsync(LocalCredential.AccountId, LocalCredential.User, CancellationToken.None);
            await Task.WhenAll(asking, finding);
            return await asking
                && await finding is { } stored
                && stored.Access == credential.Access
                && stored.SecretHash.AsSpan().SequenceEqual(credential.SecretHash);
        }
        catch (Azure.RequestFailedException exception) when (exception.Status == (int)HttpStatusCode.NotFound)
        {
            return false; // Not even the table.
        }
    }
}
