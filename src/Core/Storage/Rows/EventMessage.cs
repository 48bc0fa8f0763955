using System.Text.Json;
using System.Text.Json.Serialization;
using Azure.Storage.Queues;

namespace Sessions.Storage;

/// <summary>A message that has the delivery look at a partition.</summary>
/// <param name="Account">The account.</param>
/// <param name="Partition">The partition of the session or participant.</param>
/// <param name="Sent">When a request announced its change; null for one look, at the time when something ends.</param>
/// <param name="Looks">How often the delivery has put it back.</param>
/// <param name="Callback">Whether the change is one that a participant's callback URL is told of; null for no.</param>
internal sealed record EventMessage(
    [property: JsonPropertyName("account")] string Account,
    [property: JsonPropertyName("partition")] string Partition,
    [property: JsonPropertyName("sent")] DateTimeOffset? Sent,
    [property: JsonPropertyName("looks")] int Looks,
    [property: JsonPropertyName("callback")] bool? Callback = null)
{
    /// <summary>When the message becomes visible in the queue; null in a message that an older version sent.</summary>
    [JsonPropertyName("due")]
    public DateTimeOffset? Due { get; init; }

    /// <summary>The longest that a queue keeps a message invisible is 7 days (https://learn.microsoft.com/rest/api/storageservices/put-message).</summary>
    public static readonly TimeSpan MaxDelay = TimeSpan.FromDays(7) - TimeSpan.FromHours(1);

    public static EventMessage Parse(string text) => JsonSerializer.Deserialize(text, StoredFormat.Default.EventMessage)!;

    /// <summary>Sends it, to be seen after a delay in whole seconds.</summary>
    public Task SendAsync(QueueClient queue, TimeSpan delay, TimeProvider time, CancellationToken cancellation)
    {
        var message = this with { Due = time.GetUtcNow() + delay };
        return Queues.SendAsync(queue, JsonSerializer.Serialize(message, StoredFormat.Default.EventMessage), delay, cancellation);
    }
}
