using System.Text.Json;
using Sessions.Model;
using Sessions.Storage;

namespace Sessions.Webhooks;

/// <summary>The queue of the messages that have a server send what a webhook has to get.</summary>
/// <param name="send">Sends a text that becomes visible after a while; ends when it is stored.</param>
public sealed class WebhookMessages(Func<string, TimeSpan, CancellationToken, Task> send)
{
    /// <summary>Sends to the queue of webhooks.</summary>
    public static WebhookMessages Over(Queues queues)
        => new((text, delay, cancellation) => Queues.SendAsync(queues.Webhooks, text, delay, cancellation));

    /// <summary>Has a server look at a webhook after a while, in whole seconds: never earlier.</summary>
    public Task SendAsync(AccountId accountId, string webhookId, TimeSpan delay, CancellationToken cancellation)
        => send(
            JsonSerializer.Serialize(new(accountId.ToString(), webhookId), WebhookFormat.Default.WebhookWake),
            delay > TimeSpan.Zero ? TimeSpan.FromSeconds(Math.Ceiling(delay.TotalSeconds)) : TimeSpan.Zero,
            cancellation);

    /// <summary>Reads a message; false when it is none.</summary>
    public static bool TryRead(string message, out AccountId accountId, out string webhookId)
    {
        (accountId, webhookId) = (default, "");
        try
        {
            if (JsonSerializer.Deserialize(message, WebhookFormat.Default.WebhookWake) is not { Account: { } account, Webhook: { Length: > 0 } webhook })
                return false;

            webhookId = webhook;
            return AccountId.TryParse(account, out accountId) && webhook.All(char.IsAsciiHexDigitLower);
        }
        catch (JsonException)
        {
            return false;
        }
    }
}
