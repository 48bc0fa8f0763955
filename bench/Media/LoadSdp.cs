using Sessions.Bench;
using Sessions.Media;
using Sessions.Media.Ice;
using Sessions.Media.Negotiation;
using Sessions.Media.Sdp;

namespace Sessions.MediaBench;

/// <summary>Creates a device's session descriptions.</summary>
internal static class LoadSdp
{
    public static SessionDescription Parse(string sdp)
        => SessionDescription.TryParse(sdp, out var description, out var error) ? description : throw new BenchmarkException($"{error}\n{sdp}");

    public static string Offer(LoadConnection connection, LoadTrack audio, LoadTrack video)
    {
        MediaDescription[] sections = [Describe(audio, "0"), Describe(video, "1")];
        return new SessionDescription
        {
            Id = 1,
            Version = 1,
            Bundle = ["0", "1"],
            Sections = [.. sections.Select((section, index) => Local(connection).ApplyTo(section, DtlsSetup.ActPass, index == 0))],
        }.ToString();
    }

    public static string Answer(LoadConnection connection, SessionDescription offer)
        => new SessionDescription
        {
            Id = 2,
            Version = offer.Version,
            Bundle = offer.Bundle,
            Sections =
            [
                .. offer.Sections.Select((section, index) => section.IsRejected
                    ? section
                    : Local(connection).ApplyTo(Receive(section), DtlsSetup.Passive, index == 0)),
            ],
        }.ToString();

    // Janus starts ICE only when it knows a candidate.
    private static LocalTransport Local(LoadConnection connection)
        => new(
            connection.Device.Local.UsernameFragment,
            connection.Device.Local.Password,
            connection.Device.Certificate.Fingerprint,
            [Candidate.Host(connection.Address, CandidateTransport.Udp, 0).ToString()]);

    private static MediaDescription Receive(MediaDescription offered)
        => new()
        {
            Type = offered.Type,
            Port = 9,
            Protocol = offered.Protocol,
            Formats = offered.Formats,
            Mid = offered.Mid,
            Codecs = offered.Codecs,
            Direction = offered.IsSending ? Direction.RecvOnly : Direction.Inactive,
            IsRtcpMux = true,
        };

    private static MediaDescription Describe(LoadTrack track, string mid)
    {
        Codec codec = track.Kind == MediaKind.Audio
            ? new(LoadTrack.OpusType, "opus", 48_000, 2, null, [])
            : new(LoadTrack.Vp8Type, "VP8", 90_000, 1, null, ["nack", "nack pli"]);
        var type = track.Kind == MediaKind.Audio ? "audio" : "video";
        return new()
        {
            Type = type,
            Port = 9,
            Protocol = "UDP/TLS/RTP/SAVPF",
            Formats = new[] { codec }.ToFormats(),
            Mid = mid,
            Codecs = [codec],
            Direction = Direction.SendOnly,
            Msid = new("load", type),
            Sources = [new(track.Ssrc, "load")],
            IsRtcpMux = true,
        };
    }
}
