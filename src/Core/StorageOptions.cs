using System.Runtime.CompilerServices;
using Azure.Data.Tables;
using Azure.Identity;
using Microsoft.Extensions.Configuration;

namespace Sessions;

/// <summary>Where the tables are: one of the two settings.</summary>
/// <param name="ConnectionString">A storage connection string.</param>
/// <param name="TableEndpoint">A table endpoint that is opened with the app's own identity, or the person's login.</param>
public sealed record StorageOptions(string? ConnectionString, Uri? TableEndpoint)
{
    private const string StorageConnectionString = nameof(StorageConnectionString);
    private const string StorageTableEndpoint = nameof(StorageTableEndpoint);

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

        return new(ReadConnectionString(section, mistakes), ReadTableEndpoint(section, mistakes));
    }

    /// <summary>The storage account's tables.</summary>
    public TableServiceClient Connect(TableClientOptions clientOptions)
        => TableEndpoint is null ? new(ConnectionString, clientOptions) : Login(TableEndpoint, clientOptions);

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

    private static Uri? ReadTableEndpoint(IConfigurationSection section, List<string> mistakes)
    {
        if (section[StorageTableEndpoint] is not { Length: > 0 } text)
            return null;

        if (Uri.TryCreate(text, UriKind.Absolute, out var endpoint) && endpoint.Scheme == Uri.UriSchemeHttps)
            return endpoint;

        mistakes.Add($"Sessions:{StorageTableEndpoint}: expected an https URL, such as https://ACCOUNT.table.core.windows.net.");
        return null;
    }
}
