using Azure;
using Azure.Core;
using Azure.Core.Pipeline;
using Azure.Data.Tables;

namespace Sessions.Storage;

/// <summary>Storage did not do what it should, or lost to other changes more often than is worth another try.</summary>
public sealed class StorageUnavailableException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>What to do when storage fails.</summary>
public static class StorageFaults
{
    /// <summary>
    /// The table client's options: reads are tried again for about 5 seconds, writes are not. A try ends after 5 seconds of
    /// silence, so that a request's deadline leaves time for others.
    /// </summary>
    public static TableClientOptions ClientOptions()
    {
        var options = new TableClientOptions
        {
            Retry = { NetworkTimeout = TimeSpan.FromSeconds(5) },
            RetryPolicy = new ReadRetryPolicy(),

            // StorageTelemetry traces the calls, without their keys.
            Diagnostics = { IsDistributedTracingEnabled = false, IsLoggingEnabled = false },
            Transport = new HttpClientTransport(new SocketsHttpHandler
            {
                AllowAutoRedirect = false,
                UseCookies = false,
                ActivityHeadersPropagator = null,
                ConnectTimeout = TimeSpan.FromSeconds(2),

                // Below the 4 minutes after which Azure drops an idle connection without a word.
                PooledConnectionIdleTimeout = TimeSpan.FromMinutes(1),

                // So that a storage account that has moved is found at its new address.
                PooledConnectionLifetime = TimeSpan.FromMinutes(5),
            }),
        };
        options.AddPolicy(new StorageTelemetry(), HttpPipelinePosition.PerRetry);
        return options;
    }

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

    /// <summary>
    /// Retries reads. A write goes out once: when its answer is lost, only the protocol knows whether to send it again,
    /// and a second answer would hide what became of the first try.
    /// </summary>
    private sealed class ReadRetryPolicy()
        : RetryPolicy(maxRetries: 7, DelayStrategy.CreateExponentialDelayStrategy(TimeSpan.FromMilliseconds(100), TimeSpan.FromSeconds(1)))
    {
        protected override bool ShouldRetry(HttpMessage message, Exception? exception)
            => message.Request.Method == RequestMethod.Get && base.ShouldRetry(message, exception);

        protected override ValueTask<bool> ShouldRetryAsync(HttpMessage message, Exception? exception)
            => message.Request.Method == RequestMethod.Get ? base.ShouldRetryAsync(message, exception) : new(false);
    }
}
