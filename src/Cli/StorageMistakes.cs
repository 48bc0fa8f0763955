using Azure;
using Azure.Identity;
using Sessions.Storage;

namespace Sessions.Cli;

/// <summary>Explains why storage cannot be used, and how to fix it.</summary>
internal static class StorageMistakes
{
    /// <summary>The role with access to the tables.</summary>
    public const string TableRole = "Storage Table Data Contributor";

    /// <summary>The role with access to the queues.</summary>
    public const string QueueRole = "Storage Queue Data Contributor";

    /// <summary>Returns one line, or null if the exception is not a failure of storage.</summary>
    /// <param name="exception">The failure.</param>
    /// <param name="storage">The service that was called.</param>
    /// <param name="role">The role with access to it.</param>
    public static string? Explain(Exception exception, Uri storage, string role)
    {
        var host = storage.GetLeftPart(UriPartial.Authority);
        return exception switch
        {
            AuthenticationFailedException
                => $"No login for {host} was found: sign in with az login, or set AZURE_TENANT_ID if your login belongs to another tenant.",
            RequestFailedException { Status: 401 or 403 } failed
                => $"{host} refused the request ({failed.ErrorCode ?? "403"}): ask for the role {role} on it and for access from your network, or correct the key in Sessions__StorageConnectionString.",
            RequestFailedException { Status: 404, ErrorCode: "TableNotFound" or "QueueNotFound" }
                => $"{host} has no such table or queue: set the storage that the app uses, or create them with sessions init.",
            StorageUnavailableException => $"{exception.Message} Check with list, and try again.",
            AggregateException { InnerException: { } first } => Explain(first, storage, role),
            RequestFailedException { Status: 0 } => Unreached(host, exception),
            RequestFailedException failed => $"{host} returned {failed.Status} {failed.ErrorCode}: try again. If that does not help, check the state of the storage account.",
            _ when StorageFaults.IsTransient(exception) => Unreached(host, exception),
            _ => null,
        };
    }

    private static string Unreached(string host, Exception exception)
    {
        var reason = exception.GetBaseException().Message.Split('\n')[0].TrimEnd().TrimEnd('.');
        return $"{host} cannot be reached ({reason}): check the storage setting and the network.";
    }
}
