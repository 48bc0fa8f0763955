using Azure.Core;
using Azure.Core.Pipeline;
using Azure.Data.Tables;

namespace Sessions.Storage;

/// <summary>How every program talks to Table Storage.</summary>
public static class StorageClient
{
    /// <summary>
    /// The table client's options: reads are tried again for about 5 seconds, writes are not. A try ends after 5 seconds of
    /// silence, so that a request's deadline leaves time for others.
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

    /// <summary>The connections to storage.</summary>
    internal static HttpClientTransport Transport() => new(new SocketsHttpHandler
    {
        AllowAutoRedirect = false,
        UseCookies = false,
        ActivityHeadersPropagator = null,
        ConnectTimeout = TimeSpan.FromSeconds(2),

        // Below the 4 minutes after which Azure drops an idle connection without a word.
        PooledConnectionIdleTimeout = TimeSpan.FromMinutes(1),

        // So that a storage account that has moved is found at its new address.
        PooledConnectionLifetime = TimeSpan.FromMinutes(5),
    });

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
