using System.Diagnostics.CodeAnalysis;
using Azure;
using Azure.Storage.Queues;
using Azure.Storage.Queues.Models;

namespace Sessions.Storage;

/// <summary>The queues, which are in the storage account of the tables.</summary>
/// <param name="connect">
/// Creates the client. It is called when a queue is first used, so never if there are no feeds and no webhooks.
/// </param>
public sealed class Queues(Func<QueueServiceClient> connect)
{
    /// <summary>The queue of partitions that may have an event.</summary>
    public const string EventsName = "sessions-events";

    /// <summary>The queue of webhooks that may have an event to deliver.</summary>
    public const string WebhooksName = "sessions-webhooks";

    /// <summary>The suffix with which the Functions host names the queue of messages that failed too often.</summary>
    public const string PoisonSuffix = "-poison";

    private static readonly TimeSpan Forever = TimeSpan.FromSeconds(-1);

    private readonly Lazy<QueueServiceClient> _service = new(connect);

    /// <summary>The partitions that may have an event.</summary>
    public QueueClient Events => Named(EventsName);

    /// <summary>The webhooks that may have an event to deliver.</summary>
    public QueueClient Webhooks => Named(WebhooksName);

    /// <summary>Returns the client of the queue with this name.</summary>
    public QueueClient Named(string name) => _service.Value.GetQueueClient(name);

    /// <summary>
    /// Sends a text that becomes visible after a delay, which is rounded up to whole seconds. Creates the queue if it does not exist.
    /// </summary>
    public static async Task SendAsync(QueueClient queue, string text, TimeSpan delay, CancellationToken cancellation)
    {
        try
        {
            await TrySendAsync();
        }
        catch (RequestFailedException exception) when (exception.ErrorCode == QueueErrorCode.QueueNotFound)
        {
            await queue.CreateIfNotExistsAsync(cancellationToken: cancellation);
            await TrySendAsync();
        }

        Task TrySendAsync() => queue.SendMessageAsync(text, TimeSpan.FromSeconds(Math.Ceiling(delay.TotalSeconds)), Forever, cancellation);
    }

    /// <summary>Creates the queues that do not exist yet.</summary>
    public Task CreateAsync(CancellationToken cancellation)
        => Task.WhenAll(
            from name in new[] { EventsName, WebhooksName }
            from queue in new[] { name, name + PoisonSuffix }
            select Named(queue).CreateIfNotExistsAsync(cancellationToken: cancellation));

    /// <summary>The client's options: messages are encoded as the Functions host expects.</summary>
    [SuppressMessage("Reliability", "CA2000", Justification = "The transport lives as long as the client.")]
    public static QueueClientOptions ClientOptions() => new()
    {
        MessageEncoding = QueueMessageEncoding.Base64,
        Retry = { NetworkTimeout = TimeSpan.FromSeconds(5), MaxRetries = 2, Delay = TimeSpan.FromMilliseconds(100), MaxDelay = TimeSpan.FromSeconds(1) },
        Diagnostics = { IsDistributedTracingEnabled = false, IsLoggingEnabled = false },
        Transport = StorageClient.Transport(),
    };
}
