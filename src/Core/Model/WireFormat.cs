using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Sessions.Model;

/// <summary>
/// The JSON of the API: names in camel case, and no field with the value null, because the official Node SDK throws on null.
/// </summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(Session))]
[JsonSerializable(typeof(Participant))]
[JsonSerializable(typeof(IReadOnlyList<Participant>))]
[JsonSerializable(typeof(IReadOnlyList<Session>))]
[JsonSerializable(typeof(IReadOnlyList<ListedParticipant>))]
[JsonSerializable(typeof(CreatedParticipant))]
[JsonSerializable(typeof(Subscriptions))]
[JsonSerializable(typeof(ApiError))]
[JsonSerializable(typeof(HealthStatus))]
[JsonSerializable(typeof(EventData))]
[JsonSerializable(typeof(IReadOnlyList<SessionsEvent>))]
internal sealed partial class WireFormat : JsonSerializerContext
{
    // The bodies are never embedded in a web page, so text needs no HTML escapes and stays as it was sent.
    static WireFormat() => Default = new(new JsonSerializerOptions(Default.Options) { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });
}
