using System.Text.Json;
using Sessions.Model;
using Sessions.Storage;

namespace Sessions.Webhooks;

/// <summary>The queue of the messages that have a server send what a webhook or a callback URL has to get.</summary>
/// <param name="send">Sends a text that becomes visible after a while; ends when it is stored.</param>
public sealed class WebhookMessages(Func<string, TimeSpan, CancellationToken, Task> send)
{
    /// <summary>Sends to the queue of webhooks.</summary>
    public static WebhookMessages Over(Queues queues)
        => new((text, delay, cancellation) => Queues.SendAsync(queues.Webhooks, text, delay, cancellation));

    /// <summary>Has a server look at a webhook after a while, in whole seconds: never earlier.</summary>
    public Task SendAsync(AccountId accountId, string webhookId, TimeSpan delay, CancellationToken cancellation)
        => SendAsync(new WebhookWake(accountId.ToString(), webhookId), delay, cancellation);

    /// <summary>Has a server look at the callback URL of a participant after a while, in whole seconds: never earlier.</summary>
    public Task SendAsync(AccountId accountId, ParticipantId participantId, TimeSpan delay, CancellationToken cancellation)
        => SendAsync(new WebhookWake(accountId.ToString(), null, participantId.ToString()), delay, cancellation);

    /// <summary>Reads a message; false when it is none. Either it is for a webhook, or for a participant.</summary>
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
