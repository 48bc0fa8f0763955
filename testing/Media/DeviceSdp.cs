using System.Globalization;
using Sessions.Media;
using Sessions.Media.Negotiation;
using Sessions.Media.Sdp;

namespace Sessions.Testing.Media;

/// <summary>A device's session descriptions, in the form of browsers.</summary>
internal static class DeviceSdp
{
    /// <summary>An offer of tracks, which follow a section of data channels. A null track is a stopped section.</summary>
    public static string Offer(DeviceConnection connection, IReadOnlyList<(MediaKind Kind, SentTrack? Track)> sections, ulong version)
    {
        var local = new LocalTransport(connection.Local.UsernameFragment, connection.Local.Password, connection.Certificate.Fingerprint, []);
        var channels = new MediaDescription
        {
            Type = "application",
            Port = 9,
            Protocol = "UDP/DTLS/SCTP",
            Formats = ["webrtc-datachannel"],
            Mid = "0",
            SctpPort = 5000,
        };
        MediaDescription[] all =
        [
            local.ApplyTo(channels, DtlsSetup.ActPass, false),
            .. sections.Select((section, index) => section.Track is { } track
                ? local.ApplyTo(Describe(track), DtlsSetup.ActPass, false)
                : new() { Type = Name(section.Kind), Port = 0, Protocol = "UDP/TLS/RTP/SAVPF", Formats = ["0"], Mid = Mid(index), Direction = Direction.Inactive }),
        ];
        return new SessionDescription
        {
            Id = 1,
            Version = version,
            Bundle = [.. all.Where(section => !section.IsRejected).Select(section => section.Mid!)],
            Sections = all,
        }.ToString();
    }

    /// <summary>An answer that accepts everything, or everything except video.</summary>
    public static string Answer(DeviceConnection connection, SessionDescription offer, bool takesVideo)
    {
        var local = new LocalTransport(connection.Local.UsernameFragment, connection.Local.Password, connection.Certificate.Fingerprint, []);
        return new SessionDescription
        {
            Id = 2,
            Version = offer.Version,
            Bundle = offer.Bundle,
            Sections =
            [
                .. offer.Sections.Select(section => section.IsRejected
                    ? section
                    : local.ApplyTo(Receive(section, takesVideo), DtlsSetup.Passive, false) with { IsEndOfCandidates = false }),
            ],
        }.ToString();
    }

    public static string Mid(int index) => (index + 1).ToString(CultureInfo.InvariantCulture);

    private static MediaDescription Receive(MediaDescription offered, bool takesVideo)
        => new()
        {
            Type = offered.Type,
            Port = 9,
            Protocol = offered.Protocol,
            Formats = offered.Formats,
            Mid = offered.Mid,
            Codecs = offered.Codecs,
            Direction = offered.IsSending && (takesVideo || offered.Kind != MediaKind.Video) ? Direction.RecvOnly : Direction.Inactive,
            IsRtcpMux = true,
            IsRtcpReducedSize = true,
        };

    private static MediaDescription Describe(SentTrack track)
    {
        Codec[] codecs = track.Kind == MediaKind.Audio
            ? [new(SentTrack.OpusType, "opus", 48_000, 2, null, []), new(SentTrack.TelephoneEventType, "telephone-event", 48_000, 1, null, [])]
            : [new(SentTrack.Vp8Type, "VP8", 90_000, 1, null, ["nack", "nack pli"])];
        return new()
        {
            Type = Name(track.Kind),
            Port = 9,
            Protocol = "UDP/TLS/RTP/SAVPF",
            Formats = codecs.ToFormats(),
            Mid = track.Mid,
            Codecs = codecs,
            Direction = Direction.SendOnly,
            Msid = new(track.StreamId, $"{track.StreamId}-{Name(track.Kind)}"),
            Sources = [new(track.Ssrc, track.StreamId)],
            IsRtcpMux = true,
            IsRtcpReducedSize = true,
        };
    }

    private static string Name(MediaKind kind) => kind == MediaKind.Audio ? "audio" : "video";
}
