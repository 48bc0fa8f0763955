using System.Text.Json;
using Sessions.Model;
using Sessions.Storage;

namespace Sessions.Webhooks;

/// <summary>The queue of webhooks and callback URLs that may have events to deliver.</summary>
/// <param name="send">Sends a text that becomes visible after a delay, and completes when the text is stored.</param>
public sealed class WebhookMessages(Func<string, TimeSpan, CancellationToken, Task> send)
{
    /// <summary>Creates an instance that sends to the queue of webhooks.</summary>
    public static WebhookMessages Over(Queues queues)
        => new((text, delay, cancellation) => Queues.SendAsync(queues.Webhooks, text, delay, cancellation));

    /// <summary>Sends a message for a webhook. It becomes visible after the delay, which is rounded up to whole seconds.</summary>
    public Task SendAsync(AccountId accountId, string webhookId, TimeSpan delay, CancellationToken cancellation)
        => SendAsync(new WebhookWake(accountId.ToString(), webhookId), delay, cancellation);

    /// <summary>
    /// Sends a message for the callback URL of a participant. It becomes visible after the delay, which is rounded up to whole seconds.
    /// </summary>
    public Task SendAsync(AccountId accountId, ParticipantId participantId, TimeSpan delay, CancellationToken cancellation)
        => SendAsync(new WebhookWake(accountId.ToString(), null, participantId.ToString()), delay, cancellation);

    /// <summary>Reads a message, which is either for a webhook or for a participant. Returns false if it is invalid.</summary>
    public static bool TryRead(string message, out AccountId accountId, out string? webhookId, out ParticipantId participantId)
    {
        (accountId, webhookId, participantId) = (default, null, default);
        try
        {
            if (JsonSerializer.Deserialize(message, WebhookFormat.Default.WebhookWake) is not { Account: { } account } wake
                || !AccountId.TryParse(account, out accountId))
            {
                return false;
            }

            webhookId = wake.Webhook;
            return webhookId is null
                ? ParticipantId.TryParse(wake.Participant, out participantId)
                : webhookId.Length > 0 && webhookId.All(char.IsAsciiHexDigitLower);
        }
        catch (JsonException)
        {
            return false;
        }
    }

    private Task SendAsync(WebhookWake wake, TimeSpan delay, CancellationToken cancellation)
        => send(
            JsonSerializer.Serialize(wake, WebhookFormat.Default.WebhookWake),
            delay > TimeSpan.Zero ? TimeSpan.FromSeconds(Math.Ceiling(delay.TotalSeconds)) : TimeSpan.Zero,
            cancellation);
}
