using System.Text.Json.Serialization;
using Sessions.Model;

namespace Sessions.Storage;

/// <summary>The JSON in rows that is not the API's: what has no value is left out.</summary>
[JsonSourceGenerationOptions(DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(IReadOnlyList<StoredEvent>))]
[JsonSerializable(typeof(IReadOnlyList<StoredDevice>))]
[JsonSerializable(typeof(EventMessage))]
internal sealed partial class StoredFormat : JsonSerializerContext;
