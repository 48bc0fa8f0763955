using Azure.Core;
using Azure.Core.Pipeline;
using Azure.Data.Tables;

namespace Sessions.Storage;

/// <summary>The client options for Table Storage, which every program uses.</summary>
public static class StorageClient
{
    /// <summary>
    /// The options of the table client. Reads are retried for about 5 seconds, and writes are not retried. A try is canceled after 5
    /// seconds without data, so that the request's timeout leaves time for other tries.
    /// </summary>
    public static TableClientOptions Options()
    {
        var options = new TableClientOptions
        {
            Retry = { NetworkTimeout = TimeSpan.FromSeconds(5) },
            RetryPolicy = new ReadRetryPolicy(),

            // StorageTelemetry traces the calls, without their keys.
            Diagnostics = { IsDistributedTracingEnabled = false, IsLoggingEnabled = false },
            Transport = Transport(),
        };
        options.AddPolicy(new StorageTelemetry(), HttpPipelinePosition.PerRetry);
        return options;
    }

    /// <summary>Creates the HTTP transport for connections to storage.</summary>
    internal static HttpClientTransport Transport() => new(new SocketsHttpHandler
    {
        AllowAutoRedirect = false,
        UseCookies = false,
        ActivityHeadersPropagator = null,
        ConnectTimeout = TimeSpan.FromSeconds(2),

        // Azure silently drops a connection that was idle for 4 minutes, so this is shorter.
        PooledConnectionIdleTimeout = TimeSpan.FromMinutes(1),

        // Reconnecting finds a storage account that has moved to another address.
        PooledConnectionLifetime = TimeSpan.FromMinutes(5),
    });

    /// <summary>
    /// Retries reads. A write is sent once. If its response is lost, only the protocol can decide whether to send it again, and the second
    /// response would hide the result of the first try.
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
