using Sessions.Media.Sdp;

namespace Sessions.Media.Negotiation;

/// <summary>The codecs that are forwarded: Opus (RFC 7587), VP8 (RFC 7741), H.264 (RFC 6184) and DTMF (RFC 4733).</summary>
internal static class MediaCodecs
{
    private const int VideoClockRate = 90_000;
    private static readonly string[] H264Parameters = ["level-asymmetry-allowed", "packetization-mode", "profile-level-id"];
    private static readonly string[] VideoFeedback = ["nack", "nack pli", "ccm fir", "goog-remb"];

    /// <summary>The codecs of a section that has never had a track.</summary>
    public static IReadOnlyList<Codec> Default(MediaKind kind)
        => kind == MediaKind.Audio
            ? [Opus(0), TelephoneEvent(0, 48_000), TelephoneEvent(0, 8_000)]
            : [Vp8(0)];

    /// <summary>The first offered codec that the server forwards, in the form for the answer, or null.</summary>
    public static Codec? Choose(MediaKind kind, IReadOnlyList<Codec> offered)
        => offered.Select(codec => kind == MediaKind.Audio ? ChooseAudio(codec) : ChooseVideo(codec)).FirstOrDefault(codec => codec is not null);

    /// <summary>The offered telephone-event formats, in the form for the answer, one for each clock rate.</summary>
    public static IReadOnlyList<Codec> ChooseTelephoneEvents(IReadOnlyList<Codec> offered)
        => [.. offered
            .Where(codec => codec.Is("telephone-event", 48_000) || codec.Is("telephone-event", 8_000))
            .DistinctBy(codec => codec.ClockRate)
            .Select(codec => TelephoneEvent(codec.PayloadType, codec.ClockRate))];

    private static Codec? ChooseAudio(Codec offered) => offered.Is("opus", 48_000, 2) ? Opus(offered.PayloadType) : null;

    private static Codec? ChooseVideo(Codec offered)
    {
        if (offered.Is("VP8", VideoClockRate))
            return Vp8(offered.PayloadType);

        // Packetization mode 2 (interleaved) is the only mode whose packets do not show where a key frame starts. The values are validated
        // because they are sent to other devices.
        return offered.Is("H264", VideoClockRate)
            && offered.Parameter("packetization-mode") is null or "0" or "1"
            && offered.Parameter("level-asymmetry-allowed") is null or "0" or "1"
            && offered.Parameter("profile-level-id") is null or { Length: 6 }
            && (offered.Parameter("profile-level-id") ?? "").All(char.IsAsciiHexDigit)
            ? new(offered.PayloadType, "H264", VideoClockRate, 1, ParametersOfH264(offered), VideoFeedback)
            : null;
    }

    private static Codec Opus(byte payloadType) => new(payloadType, "opus", 48_000, 2, "minptime=10;useinbandfec=1", []);

    private static Codec TelephoneEvent(byte payloadType, int clockRate) => new(payloadType, "telephone-event", clockRate, 1, "0-15", []);

    private static Codec Vp8(byte payloadType) => new(payloadType, "VP8", VideoClockRate, 1, null, VideoFeedback);

    /// <summary>The parameters that must be the same at both ends (RFC 6184, section 8.2.2), always in the same order.</summary>
    private static string? ParametersOfH264(Codec offered)
    {
        string[] parameters =
        [
            .. from name in H264Parameters
               let value = offered.Parameter(name)
               where value is not null
               select $"{name}={value.ToLowerInvariant()}",
        ];
        return parameters is [] ? null : string.Join(';', parameters);
    }
}
