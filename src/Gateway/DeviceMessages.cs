using System.Text.Json.Serialization;

namespace Sessions.Gateway;

/// <summary>The parameters of <c>offerSdp</c>.</summary>
internal sealed record OfferSdpParams(string? SdpOffer, MediaMetadata? MediaMetadata);

/// <summary>A device's metadata about its streams. Its metadata about data channels are not needed.</summary>
internal sealed record MediaMetadata(IReadOnlyDictionary<string, StreamDescription?>? MediaStreams);

/// <summary>A device's description of one stream.</summary>
internal sealed record StreamDescription(string? Alias);

/// <summary>The result of <c>offerSdp</c>.</summary>
internal sealed record OfferSdpResult(string SdpAnswer, string EndpointId, IReadOnlyDictionary<string, StreamMetadata> StreamMetadata);

/// <summary>The parameters of <c>answerSdp</c>.</summary>
internal sealed record AnswerSdpParams(string? SdpAnswer);

/// <summary>The parameters of the notification <c>sdpOffer</c>.</summary>
/// <param name="SdpOffer">The offer.</param>
/// <param name="SdpRevision">Greater than the last revision. Devices silently ignore any other offer.</param>
/// <param name="EndpointId">The subscribing connection.</param>
/// <param name="StreamMetadata">Every stream that the device now receives, by the id of its MediaStream.</param>
internal sealed record SdpOfferParams(
    string SdpOffer, long SdpRevision, string EndpointId, IReadOnlyDictionary<string, StreamMetadata> StreamMetadata);

/// <summary>A stream in the form that devices receive.</summary>
internal sealed record StreamMetadata(string EndpointId, IReadOnlyList<string> MediaTypes, string? Alias, string ParticipantId);

/// <summary>The parameters of <c>deviceDiagnostics</c>. Only the number of entries is used.</summary>
internal sealed record DiagnosticsParams(IReadOnlyList<System.Text.Json.JsonElement>? Logs);

/// <summary>The JSON of the device protocol.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(OfferSdpParams))]
[JsonSerializable(typeof(OfferSdpResult))]
[JsonSerializable(typeof(AnswerSdpParams))]
[JsonSerializable(typeof(SdpOfferParams))]
[JsonSerializable(typeof(DiagnosticsParams))]
internal sealed partial class DeviceFormat : JsonSerializerContext;
