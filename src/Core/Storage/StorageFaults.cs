using Azure;

namespace Sessions.Storage;

/// <summary>Storage failed, or the request lost against other changes too often to retry again.</summary>
public sealed class StorageUnavailableException(string message, Exception? inner = null) : Exception(message, inner)
{
    /// <summary>Whether the message names the table that cannot be used and the reason, and contains nothing confidential.</summary>
    public bool IsExplained { get; init; }
}

/// <summary>The reason why storage could not be used.</summary>
public enum StorageCause
{
    /// <summary>Another reason, or not a failure of storage.</summary>
    Other,

    /// <summary>Storage returned that it is busy, or failed with an error of its own.</summary>
    Busy,

    /// <summary>Storage did not respond in time, or could not be reached.</summary>
    Silent,

    /// <summary>Storage refuses the key, the identity or the network.</summary>
    Refused,

    /// <summary>A table or a queue does not exist.</summary>
    Missing,
}

/// <summary>Classifies failures of storage.</summary>
public static class StorageFaults
{
    /// <summary>Whether the connection failed, so that nothing was sent.</summary>
    public static bool IsUnreached(RequestFailedException exception)
        => exception.InnerException is HttpRequestException { HttpRequestError: HttpRequestError.ConnectionError or HttpRequestError.NameResolutionError };

    /// <summary>Returns the reason for which a call failed. If it was retried, the last try counts.</summary>
    public static StorageCause CauseOf(Exception exception) => exception switch
    {
        StorageUnavailableException { InnerException: { } inner } => CauseOf(inner),
        AggregateException { InnerExceptions: [.., var last] } => CauseOf(last),
        RequestFailedException { Status: 401 or 403 } => StorageCause.Refused,
        RequestFailedException { Status: 404, ErrorCode: "TableNotFound" or "QueueNotFound" } => StorageCause.Missing,
        RequestFailedException { Status: 0 or 408 } or OperationCanceledException or IOException => StorageCause.Silent,
        RequestFailedException { Status: 429 or >= 500 } => StorageCause.Busy,

        // The type is compared by name, because a reference to it would load Azure.Identity even for a connection string.
        _ when exception.GetType().FullName is "Azure.Identity.AuthenticationFailedException" or "Azure.Identity.CredentialUnavailableException"
            => StorageCause.Refused,
        _ => StorageCause.Other,
    };

    /// <summary>Whether a retry may succeed: no response, a timeout, throttling, or an error of the service.</summary>
    public static bool IsTransient(Exception exception) => exception switch
    {
        RequestFailedException { Status: 0 or 408 or 429 or >= 500 } => true,
        StorageUnavailableException or OperationCanceledException or IOException => true,
        AggregateException { InnerExceptions.Count: > 0 } all => all.InnerExceptions.All(IsTransient),
        _ => false,
    };
}
