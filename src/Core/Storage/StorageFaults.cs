using Azure;

namespace Sessions.Storage;

/// <summary>Storage did not do what it should, or lost to other changes more often than is worth another try.</summary>
public sealed class StorageUnavailableException(string message, Exception? inner = null) : Exception(message, inner)
{
    /// <summary>Whether the message says which table cannot be used and why, and may be told to anybody who asks.</summary>
    public bool IsExplained { get; init; }
}

/// <summary>Why storage could not be used.</summary>
public enum StorageCause
{
    /// <summary>Another reason, or not a failure of storage.</summary>
    Other,

    /// <summary>Storage answered that it is busy, or has failed itself.</summary>
    Busy,

    /// <summary>Storage did not answer in time, or could not be reached.</summary>
    Silent,

    /// <summary>Storage refuses the key or the identity, or the network.</summary>
    Refused,

    /// <summary>A table or a queue has not been made.</summary>
    Missing,
}

/// <summary>Tells failures of storage apart.</summary>
public static class StorageFaults
{
    /// <summary>Whether no connection was made, so that nothing was sent.</summary>
    public static bool IsUnreached(RequestFailedException exception)
        => exception.InnerException is HttpRequestException { HttpRequestError: HttpRequestError.ConnectionError or HttpRequestError.NameResolutionError };

    /// <summary>Why a call failed; of several tries the last one counts.</summary>
    public static StorageCause CauseOf(Exception exception) => exception switch
    {
        StorageUnavailableException { InnerException: { } inner } => CauseOf(inner),
        AggregateException { InnerExceptions: [.., var last] } => CauseOf(last),
        RequestFailedException { Status: 401 or 403 } => StorageCause.Refused,
        RequestFailedException { Status: 404, ErrorCode: "TableNotFound" or "QueueNotFound" } => StorageCause.Missing,
        RequestFailedException { Status: 0 or 408 } or OperationCanceledException or IOException => StorageCause.Silent,
        RequestFailedException { Status: 429 or >= 500 } => StorageCause.Busy,

        // By its name: the type would load Azure.Identity where a connection string is used.
        _ when exception.GetType().FullName is "Azure.Identity.AuthenticationFailedException" or "Azure.Identity.CredentialUnavailableException"
            => StorageCause.Refused,
        _ => StorageCause.Other,
    };

    /// <summary>Whether another try may succeed: no answer, a time-out, throttling, or an error of the service.</summary>
    public static bool IsTransient(Exception exception) => exception switch
    {
        RequestFailedException { Status: 0 or 408 or 429 or >= 500 } => true,
        StorageUnavailableException or OperationCanceledException or IOException => true,
        AggregateException { InnerExceptions.Count: > 0 } all => all.InnerExceptions.All(IsTransient),
        _ => false,
    };
}
