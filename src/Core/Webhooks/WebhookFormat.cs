using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using Sessions.Model;

namespace Sessions.Webhooks;

/// <summary>The body of a message, as Standard Webhooks recommends it.</summary>
internal sealed record WebhookBody(string Type, DateTime Timestamp, EventData Data)
{
    /// <summary>The same bytes in every try.</summary>
    public static byte[] Of(SessionsEvent told)
        => JsonSerializer.SerializeToUtf8Bytes(new(told.Type, told.Timestamp.UtcDateTime, told.Data), WebhookFormat.Default.WebhookBody);
}

/// <summary>A message of the queue: that a webhook may have something to send.</summary>
internal sealed record WebhookWake(string Account, string Webhook);

/// <summary>The JSON of webhooks: camel case, and a missing value is left out.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(WebhookBody))]
[JsonSerializable(typeof(EventData))]
[JsonSerializable(typeof(WebhookWake))]
internal sealed partial class WebhookFormat : JsonSerializerContext
{
    // The bodies are JSON and never part of a page: text stays as it was sent, and as short.
    static WebhookFormat() => Default = new(new JsonSerializerOptions(Default.Options) { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });
}
