using System.Runtime.CompilerServices;
using Azure.Data.Tables;
using Azure.Identity;
using Azure.Storage.Queues;
using Microsoft.Extensions.Configuration;

namespace Sessions;

/// <summary>Where the tables are: one of the two settings.</summary>
/// <param name="ConnectionString">A storage connection string.</param>
/// <param name="TableEndpoint">A table endpoint that is opened with the app's own identity, or the person's login.</param>
public sealed record StorageOptions(string? ConnectionString, Uri? TableEndpoint)
{
    private const string StorageConnectionString = nameof(StorageConnectionString);
    private const string StorageTableEndpoint = nameof(StorageTableEndpoint);
    private const string StorageQueueUri = nameof(StorageQueueUri);

    /// <summary>The queue endpoint, when it is not the one that belongs to the table endpoint.</summary>
    public Uri? QueueEndpoint { get; init; }

    /// <summary>Reads and checks these settings alone.</summary>
    /// <exception cref="InvalidConfigurationException">A setting is missing or wrong.</exception>
    public static StorageOptions Read(IConfiguration configuration)
    {
        List<string> mistakes = [];
        var options = Read(configuration.GetSection("Sessions"), mistakes);
        return mistakes.Count == 0 ? options : throw new InvalidConfigurationException(mistakes);
    }

    internal static StorageOptions Read(IConfigurationSection section, List<string> mistakes)
    {
        var hasConnectionString = section[StorageConnectionString] is { Length: > 0 };
        var hasTableEndpoint = section[StorageTableEndpoint] is { Length: > 0 };
        if (hasConnectionString == hasTableEndpoint)
        {
            mistakes.Add(
                $"Sessions:{StorageConnectionString} or Sessions:{StorageTableEndpoint}: "
                + (hasTableEndpoint ? "both are set; set only one." : "neither is set; set one."));
        }

        return new(ReadConnectionString(section, mistakes), ReadEndpoint(section, StorageTableEndpoint, "table", mistakes))
        {
            QueueEndpoint = ReadEndpoint(section, StorageQueueUri, "queue", mistakes),
        };
    }

    /// <summary>The storage account's tables.</summary>
    public TableServiceClient Connect(TableClientOptions clientOptions)
        => TableEndpoint is null ? new(ConnectionString, clientOptions) : Login(TableEndpoint, clientOptions);

    /// <summary>The storage account's queues.</summary>
    /// <exception cref="InvalidConfigurationException">The settings name no queue endpoint.</exception>
    public QueueServiceClient ConnectQueues(QueueClientOptions clientOptions)
        => TableEndpoint is not null ? Login(QueueEndpoint ?? QueueEndpointBeside(TableEndpoint), clientOptions)
            : QueueEndpoint is null ? new(ConnectionString, clientOptions)
            : Login(QueueEndpoint, clientOptions);

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static QueueServiceClient Login(Uri queueEndpoint, QueueClientOptions clientOptions)
        => new(queueEndpoint, new DefaultAzureCredential(), clientOptions);

    private static Uri QueueEndpointBeside(Uri tableEndpoint)
        => tableEndpoint.Host.Contains(".table.", StringComparison.OrdinalIgnoreCase)
            ? new UriBuilder(tableEndpoint) { Host = tableEndpoint.Host.Replace(".table.", ".queue.", StringComparison.OrdinalIgnoreCase) }.Uri
            : throw new InvalidConfigurationException([$"Sessions:{StorageQueueUri}: set it, because Sessions:{StorageTableEndpoint} does not tell it."]);

    // Not inlined, so that Azure.Identity and what it brings are loaded only when it is called.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static TableServiceClient Login(Uri tableEndpoint, TableClientOptions clientOptions)
        => new(tableEndpoint, new DefaultAzureCredential(), clientOptions);

    private static string? ReadConnectionString(IConfigurationSection section, List<string> mistakes)
    {
        if (section[StorageConnectionString] is not { Length: > 0 } text)
            return null;

        try
        {
            _ = new TableServiceClient(text);
        }
        catch (Exception exception) when (exception is FormatException or InvalidOperationException or ArgumentException)
        {
            mistakes.Add($"Sessions:{StorageConnectionString}: expected a storage connection string.");
        }

        return text;
    }

    private static Uri? ReadEndpoint(IConfigurationSection section, string name, string service, List<string> mistakes)
    {
        if (section[name] is not { Length: > 0 } text)
            return null;

        if (Uri.TryCreate(text, UriKind.Absolute, out var endpoint) && endpoint.Scheme == Uri.UriSchemeHttps)
            return endpoint;

        mistakes.Add($"Sessions:{name}: expected an https URL, such as https://ACCOUNT.{service}.core.windows.net.");
        return null;
    }
}
