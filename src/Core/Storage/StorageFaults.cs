using Azure;

namespace Sessions.Storage;

/// <summary>Storage did not do what it should, or lost to other changes more often than is worth another try.</summary>
public sealed class StorageUnavailableException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>Tells failures of storage apart.</summary>
public static class StorageFaults
{
    /// <summary>Whether no connection was made, so that nothing was sent.</summary>
    public static bool IsUnreached(RequestFailedException exception)
        => exception.InnerException is HttpRequestException { HttpRequestError: HttpRequestError.ConnectionError or HttpRequestError.NameResolutionError };

    /// <summary>Whether another try may succeed: no answer, a time-out, throttling, or an error of the service.</summary>
    public static bool IsTransient(Exception exception) => exception switch
    {
        RequestFailedException { Status: 0 or 408 or 429 or >= 500 } => true,
        StorageUnavailableException or OperationCanceledException or IOException => true,
        AggregateException { InnerExceptions.Count: > 0 } all => all.InnerExceptions.All(IsTransient),
        _ => false,
    };
}
