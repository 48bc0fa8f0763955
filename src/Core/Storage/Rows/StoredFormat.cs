using System.Text.Json.Serialization;
using Sessions.Model;

namespace Sessions.Storage;

/// <summary>The JSON format of values in rows and messages that are not part of the API. Null values are left out.</summary>
[JsonSourceGenerationOptions(DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(IReadOnlyList<StoredEvent>))]
[JsonSerializable(typeof(IReadOnlyList<StoredDevice>))]
[JsonSerializable(typeof(EventMessage))]
internal sealed partial class StoredFormat : JsonSerializerContext;
