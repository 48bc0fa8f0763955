using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using Sessions.Model;

namespace Sessions.Webhooks;

/// <summary>The body of a message, in the form that Standard Webhooks recommends.</summary>
internal sealed record WebhookBody(string Type, DateTime Timestamp, EventData Data)
{
    /// <summary>Serializes the body, to the same bytes in every try.</summary>
    public static byte[] Of(SessionsEvent told)
        => JsonSerializer.SerializeToUtf8Bytes(new(told.Type, told.Timestamp.UtcDateTime, told.Data), WebhookFormat.Default.WebhookBody);
}

/// <summary>
/// The body of a message to a participant's callback URL, in the form of the original API (Bandwidth/api-docs,
/// <c>site/docs/webrtc/webhooks.md</c>).
/// </summary>
/// <param name="Event">One of <see cref="CallbackEvents"/>.</param>
/// <param name="Timestamp">Milliseconds since 1970, as text.</param>
/// <param name="ParticipantId">The participant.</param>
/// <param name="DeviceId">Its device.</param>
/// <param name="Tag">The tag that was sent when the participant was created, absent if none was sent.</param>
internal sealed record CallbackBody(string Event, string Timestamp, string ParticipantId, string DeviceId, string? Tag)
{
    /// <summary>Serializes the body, to the same bytes in every try.</summary>
    public static byte[] Of(ParticipantId participantId, StoredEvent told)
        => JsonSerializer.SerializeToUtf8Bytes(
            new(
                told.Callback!,
                told.Timestamp.ToUnixTimeMilliseconds().ToString(CultureInfo.InvariantCulture),
                participantId.ToString(),
                told.DeviceId!,
                told.Tag),
            WebhookFormat.Default.CallbackBody);
}

/// <summary>A message of the queue: a webhook, or a participant's callback URL, may have events to deliver.</summary>
internal sealed record WebhookWake(string Account, string? Webhook, string? Participant = null);

/// <summary>The JSON of webhooks: names in camel case, and null values are left out.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(WebhookBody))]
[JsonSerializable(typeof(CallbackBody))]
[JsonSerializable(typeof(EventData))]
[JsonSerializable(typeof(WebhookWake))]
internal sealed partial class WebhookFormat : JsonSerializerContext
{
    // The bodies are never embedded in a web page, so text needs no HTML escapes and stays as it was sent.
    static WebhookFormat() => Default = new(new JsonSerializerOptions(Default.Options) { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });
}
