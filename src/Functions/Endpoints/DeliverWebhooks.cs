using Microsoft.Azure.Functions.Worker;
using Microsoft.Extensions.Logging;
using Sessions.Storage;
using Sessions.Webhooks;

namespace Sessions.Endpoints;

/// <summary>
/// For each message of the queue, sends the due events of a webhook, or of a participant's callback URL. Nothing runs while there are no
/// events.
/// </summary>
public sealed partial class DeliverWebhooks(WebhookDelivery delivery, CallbackDelivery callbacks, ILogger<DeliverWebhooks> logger)
{
    /// <summary>Sends until no event is due. If events are due later, there is another message for them.</summary>
    [Function(nameof(DeliverWebhooks))]
    public async Task Run(
        [QueueTrigger(Queues.WebhooksName, Connection = "SessionsStorage")] string message, CancellationToken cancellation)
    {
        if (!WebhookMessages.TryRead(message, out var account, out var webhook, out var participant))
            LogUnreadable();
        else if (webhook is not null)
            await delivery.RunAsync(account, webhook, cancellation);
        else
            await callbacks.RunAsync(account, participant, cancellation);
    }

    [LoggerMessage(16, LogLevel.Error, "A message of the queue for webhooks cannot be read and is dropped.")]
    private partial void LogUnreadable();
}
