using System.Text.Json;
using System.Text.Json.Serialization;
using Azure.Storage.Queues;

namespace Sessions.Storage;

/// <summary>A message that causes the delivery to look at a partition.</summary>
/// <param name="Account">The account.</param>
/// <param name="Partition">The partition of the session or participant.</param>
/// <param name="Sent">
/// When a request sent the message before its change, or null for a message that causes one look when a session or membership expires.
/// </param>
/// <param name="Looks">How often the delivery has returned the message to the queue.</param>
/// <param name="Callback">True if a participant's callback URL may get an event of the change, otherwise null.</param>
internal sealed record EventMessage(
    [property: JsonPropertyName("account")] string Account,
    [property: JsonPropertyName("partition")] string Partition,
    [property: JsonPropertyName("sent")] DateTimeOffset? Sent,
    [property: JsonPropertyName("looks")] int Looks,
    [property: JsonPropertyName("callback")] bool? Callback = null)
{
    /// <summary>When the message becomes visible in the queue, or null in a message that an older version sent.</summary>
    [JsonPropertyName("due")]
    public DateTimeOffset? Due { get; init; }

    /// <summary>
    /// The longest delay of a message, which is below the 7 days for which a queue can keep a message invisible
    /// (https://learn.microsoft.com/rest/api/storageservices/put-message).
    /// </summary>
    public static readonly TimeSpan MaxDelay = TimeSpan.FromDays(7) - TimeSpan.FromHours(1);

    public static EventMessage Parse(string text) => JsonSerializer.Deserialize(text, StoredFormat.Default.EventMessage)!;

    /// <summary>Sends the message. It becomes visible after a delay, which is rounded up to whole seconds.</summary>
    public Task SendAsync(QueueClient queue, TimeSpan delay, TimeProvider time, CancellationToken cancellation)
    {
        var message = this with { Due = time.GetUtcNow() + delay };
        return Queues.SendAsync(queue, JsonSerializer.Serialize(message, StoredFormat.Default.EventMessage), delay, cancellation);
    }
}
