using System.Runtime.CompilerServices;
using Azure.Data.Tables;
using Azure.Identity;
using Azure.Storage.Queues;
using Microsoft.Extensions.Configuration;

namespace Sessions;

/// <summary>The storage account, by one of two settings.</summary>
/// <param name="ConnectionString">A storage connection string.</param>
/// <param name="TableEndpoint">
/// A table endpoint. It is opened with the app's own identity, or with the login of the person who runs the program.
/// </param>
public sealed record StorageOptions(string? ConnectionString, Uri? TableEndpoint)
{
    private const string StorageConnectionString = nameof(StorageConnectionString);
    private const string StorageTableEndpoint = nameof(StorageTableEndpoint);
    private const string StorageQueueUri = nameof(StorageQueueUri);

    /// <summary>The queue endpoint, if it does not follow from the table endpoint.</summary>
    public Uri? QueueEndpoint { get; init; }

    /// <summary>The settings of the storage account.</summary>
    public static IReadOnlyList<Setting> All { get; } =
    [
        new($"Sessions:{StorageConnectionString}", "A storage connection string."),
        new($"Sessions:{StorageTableEndpoint}", "Or a table endpoint, opened with your login, for example https://ACCOUNT.table.core.windows.net."),
        new($"Sessions:{StorageQueueUri}", "The queue endpoint. Needed only if the table endpoint does not determine it."),
    ];

    /// <summary>Reads and checks only these settings.</summary>
    /// <exception cref="InvalidConfigurationException">A setting is missing or invalid.</exception>
    public static StorageOptions Read(IConfiguration configuration)
    {
        var settings = new SettingsReader(configuration, "Sessions");
        return settings.Checked(Read(settings));
    }

    internal static StorageOptions Read(SettingsReader settings)
    {
        var hasTableEndpoint = settings.Text(StorageTableEndpoint) is not null;
        if (hasTableEndpoint == settings.Text(StorageConnectionString) is not null)
        {
            settings.Refuse(
                $"{settings.NameOf(StorageConnectionString)} or {settings.NameOf(StorageTableEndpoint)}: "
                + (hasTableEndpoint ? "both are set. Set only one." : "neither is set. Set one."));
        }

        return new(ReadConnectionString(settings), ReadEndpoint(settings, StorageTableEndpoint, "table"))
        {
            QueueEndpoint = ReadEndpoint(settings, StorageQueueUri, "queue"),
        };
    }

    /// <summary>Creates a client of the storage account's tables.</summary>
    public TableServiceClient Connect(TableClientOptions clientOptions)
        => TableEndpoint is null ? new(ConnectionString, clientOptions) : Login(TableEndpoint, clientOptions);

    /// <summary>Creates a client of the storage account's queues.</summary>
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
            : throw new InvalidConfigurationException([$"Sessions__{StorageQueueUri}: set it, because Sessions__{StorageTableEndpoint} does not determine it."]);

    // Not inlined, so that Azure.Identity and its dependencies are loaded only when this method is called.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static TableServiceClient Login(Uri tableEndpoint, TableClientOptions clientOptions)
        => new(tableEndpoint, new DefaultAzureCredential(), clientOptions);

    private static string? ReadConnectionString(SettingsReader settings)
    {
        if (settings.Text(StorageConnectionString) is not { } text)
            return null;

        try
        {
            _ = new TableServiceClient(text);
        }
        catch (Exception exception) when (exception is FormatException or InvalidOperationException or ArgumentException)
        {
            settings.Refuse(StorageConnectionString, "expected a storage connection string.");
        }

        return text;
    }

    private static Uri? ReadEndpoint(SettingsReader settings, string name, string service)
    {
        if (settings.Text(name) is not { } text)
            return null;

        if (Uri.TryCreate(text, UriKind.Absolute, out var endpoint) && endpoint.Scheme == Uri.UriSchemeHttps)
            return endpoint;

        settings.Refuse(name, $"expected an https URL, for example https://ACCOUNT.{service}.core.windows.net.");
        return null;
    }
}
