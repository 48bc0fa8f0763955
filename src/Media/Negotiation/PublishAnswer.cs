using Sessions.Media.Sdp;

namespace Sessions.Media.Negotiation;

/// <summary>The answer to a publishing device's offer, or an error.</summary>
/// <param name="Error">Why the offer cannot be answered, or null.</param>
/// <param name="Answer">The answer.</param>
/// <param name="Tracks">The tracks that were accepted, in the order of the sections.</param>
/// <param name="Remote">The device's transport, or null if all sections of the offer are stopped.</param>
/// <param name="LocalSetup">This end's role in the DTLS handshake.</param>
public sealed record PublishAnswerResult(
    string? Error, SessionDescription? Answer, IReadOnlyList<PublishedTrack> Tracks, RemoteTransport? Remote, DtlsSetup LocalSetup);

/// <summary>Answers the offers of publishing devices (RFC 3264, section 6, and RFC 8829, section 5.3).</summary>
public static class PublishAnswer
{
    private const int SctpPort = 5000;

    /// <summary>
    /// Creates the answer to an offer. It accepts sections with a forwarded codec for receiving, accepts a section of data channels, and
    /// rejects all others.
    /// </summary>
    /// <param name="offer">The device's offer.</param>
    /// <param name="permissions">The kinds of media that the participant may publish. Sections of other kinds are rejected.</param>
    /// <param name="local">This end's transport.</param>
    /// <param name="maxTracks">The maximum number of tracks. Sections after these are rejected.</param>
    public static PublishAnswerResult Create(SessionDescription offer, MediaPermissions permissions, LocalTransport local, int maxTracks)
    {
        if (offer.IsIceLite)
            return Refuse("The offer has a=ice-lite, and one end of a connection has to be a full ICE agent.");

        var bundle = Bundle.Of(offer);
        if (bundle.Error is not null)
            return Refuse($"The offer cannot be answered. {bundle.Error}");

        var tracks = new List<PublishedTrack>();
        MediaDescription[] sections =
        [
            .. offer.Sections.Select(offered => bundle.Contains(offered) ? AnswerTo(offered, permissions, maxTracks, tracks) : Reject(offered)),
        ];
        KeepTagged(offer, bundle, sections);

        var setup = bundle.Remote?.Setup == DtlsSetup.Passive ? DtlsSetup.Active : DtlsSetup.Passive;
        var accepted = sections.Where(section => !section.IsRejected).Select(section => section.Mid!).ToHashSet();
        string[]? mids = offer.Bundle is null ? null : [.. offer.Bundle.Where(accepted.Contains)];
        return new(null, new()
        {
            // The answer copies the offer's id and version, so its version increases with the offer's and no state is needed here.
            Id = offer.Id,
            Version = offer.Version,
            IsIceLite = true,
            Bundle = mids,
            Sections = [.. sections.Select(section => section.IsRejected ? section : local.ApplyTo(section, setup, section.Mid == mids![0]))],
        }, tracks, bundle.Remote, setup);
    }

    private static PublishAnswerResult Refuse(string error) => new(error, null, [], null, DtlsSetup.Passive);

    private static MediaDescription AnswerTo(
        MediaDescription offered, MediaPermissions permissions, int maxTracks, List<PublishedTrack> tracks)
    {
        if (IsDataChannels(offered))
            return Accept(offered) with { Formats = offered.Formats, SctpPort = SctpPort };

        if (tracks.Count >= maxTracks || ReadTrack(offered, permissions) is not { } track)
            return Reject(offered);

        tracks.Add(track);
        return Receive(offered, [track.Codec, .. track.TelephoneEvents]);
    }

    /// <summary>
    /// Makes a rejected section inactive instead if it is the tagged section and others are accepted. Chromium cannot move the transport of
    /// a bundle away from its tagged section ("Failed to setup RTCP mux").
    /// </summary>
    private static void KeepTagged(SessionDescription offer, Bundle bundle, MediaDescription[] sections)
    {
        var index = Array.FindIndex(sections, section => section.Mid is not null && section.Mid == bundle.TaggedMid);
        if (index < 0 || !sections[index].IsRejected || Array.TrueForAll(sections, section => section.IsRejected))
            return;

        var offered = offer.Sections[index];
        if (offered.Kind is { } kind && Bundle.IsRtp(offered) && MediaCodecs.Choose(kind, offered.Codecs) is { } codec)
            sections[index] = Receive(offered, [codec]) with { Direction = Direction.Inactive };
    }

    /// <summary>The track of a section that may be published, or null if there is none.</summary>
    private static PublishedTrack? ReadTrack(MediaDescription offered, MediaPermissions permissions)
    {
        if (offered.Kind is not { } kind || !permissions.Allows(kind) || !offered.IsSending || !Bundle.IsRtp(offered)
            || offered.Msid is not { StreamId: not "-" } msid || MediaCodecs.Choose(kind, offered.Codecs) is not { } codec)
        {
            return null;
        }

        // The sources after the first one in these groups are for retransmission and error correction, which the answer does not accept.
        var repairs = offered.SourceGroups
            .Where(group => group.Semantics is "FID" or "FEC-FR")
            .SelectMany(group => group.Ssrcs.Skip(1))
            .ToHashSet();
        return new(
            offered.Mid!,
            kind,
            msid.StreamId,
            msid.TrackId ?? offered.Mid!,
            codec,
            kind == MediaKind.Audio ? MediaCodecs.ChooseTelephoneEvents(offered.Codecs) : [],
            [.. offered.Sources.Select(source => source.Ssrc).Where(ssrc => !repairs.Contains(ssrc))]);
    }

    private static bool IsDataChannels(MediaDescription offered)
        => offered.Type == "application" && offered.Protocol is "UDP/DTLS/SCTP" or "TCP/DTLS/SCTP"
            && offered.SctpPort is not null && offered.Formats is ["webrtc-datachannel"];

    private static MediaDescription Accept(MediaDescription offered)
        => new() { Type = offered.Type, Port = Bundle.Port, Protocol = offered.Protocol, Formats = [], Mid = offered.Mid };

    private static MediaDescription Receive(MediaDescription offered, IReadOnlyList<Codec> codecs)
        => Accept(offered) with
        {
            Formats = codecs.ToFormats(),
            Codecs = codecs,
            Direction = Direction.RecvOnly,
            IsRtcpMux = true,
            IsRtcpReducedSize = offered.IsRtcpReducedSize,
        };

    private static MediaDescription Reject(MediaDescription offered)
        => new()
        {
            Type = offered.Type,
            Port = 0,
            Protocol = offered.Protocol,
            Formats = offered.Formats,
            Mid = offered.Mid,
            Direction = Direction.Inactive,
        };
}
