using Sessions.Media.Sdp;

namespace Sessions.Media.Negotiation;

/// <summary>A track that a device publishes, with the negotiated parameters.</summary>
/// <param name="Mid">The mid of its section in the publishing connection.</param>
/// <param name="Kind">The kind of media.</param>
/// <param name="StreamId">The id of the MediaStream, as in the browser's SDP.</param>
/// <param name="TrackId">The id of the track, as in the browser's SDP, or the mid if there is none.</param>
/// <param name="Codec">The codec, with the payload type that the device sends.</param>
/// <param name="TelephoneEvents">DTMF at the clock rates that the device sends (RFC 4733). Empty for video.</param>
/// <param name="Ssrcs">The SSRCs of media, without those of retransmissions. Empty if the device has not listed them.</param>
public sealed record PublishedTrack(
    string Mid, MediaKind Kind, string StreamId, string TrackId, Codec Codec, IReadOnlyList<Codec> TelephoneEvents, IReadOnlyList<uint> Ssrcs);
