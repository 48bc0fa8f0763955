using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Sessions.Model;

/// <summary>The JSON of the API: camel case, and a missing value is left out, because the official Node SDK throws on null.</summary>
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
    // The bodies are JSON and never part of a page: text stays as it was sent, and as short.
    static WireFormat() => Default = new(new JsonSerializerOptions(Default.Options) { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });
}
