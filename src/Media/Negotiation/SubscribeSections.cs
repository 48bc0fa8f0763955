using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Security.Cryptography;
using Sessions.Media.Sdp;

namespace Sessions.Media.Negotiation;

/// <summary>
/// The sections of a subscribing connection, in which this end offers and the device answers (RFC 3264, section 8, and RFC 8829, section
/// 5.2). The number of sections never decreases, and a section never changes its kind. Not thread-safe.
/// </summary>
public sealed class SubscribeSections
{
    private const string Protocol = "UDP/TLS/RTP/SAVPF";

    private readonly List<Section> _sections = [];
    private readonly PayloadTypes _payloadTypes = new();
    private readonly ulong _id = BitConverter.ToUInt64(RandomNumberGenerator.GetBytes(sizeof(ulong))) >> 2;
    private ulong _version;
    private int _nextMid;
    private (Section Section, string Mid, PublishedTrack? Track)[]? _offered;

    /// <summary>The number of sections, including inactive ones.</summary>
    public int Count => _sections.Count;

    /// <summary>The sections in the order of the offer.</summary>
    public IReadOnlyList<Section> Sections => _sections;

    /// <summary>Puts a track into an inactive section of its kind, or into a new one. The device receives it after the next offer.</summary>
    public Section Add(PublishedTrack track)
    {
        var section = _sections.Find(section => section.Track is null && section.Kind == track.Kind) ?? Append(track.Kind);

        // A rejected section is reused under a new mid (RFC 8829, section 5.2.2).
        if (section.IsStopped)
            section.Mid = NextMid();

        section.Set(track, _payloadTypes.Assign(track.Codec) is { } codec ? [codec, .. Assign(track.TelephoneEvents)] : null);
        return section;
    }

    /// <summary>Makes a section inactive. The section is kept for another track.</summary>
    public void Remove(Section section)
    {
        if (_sections.Contains(section))
            section.Clear();
    }

    /// <summary>Whether a section of this kind is inactive, so that <see cref="Add"/> needs no new one.</summary>
    public bool HasFree(MediaKind kind) => _sections.Exists(section => section.Track is null && section.Kind == kind);

    /// <summary>Appends inactive sections that an earlier run of the server created and the device still has.</summary>
    public void Restore(IReadOnlyList<MediaKind> kinds)
    {
        foreach (var kind in kinds)
            Append(kind);
    }

    /// <summary>Creates an offer of the current sections.</summary>
    public SessionDescription Offer(LocalTransport local)
    {
        _offered = [.. _sections.Select(section => (section, section.Mid, section.Track))];
        _version++;
        string[] bundle = [.. _sections.Where(section => !section.IsStopped).Select(section => section.Mid)];
        var msids = new HashSet<Msid>();
        return new()
        {
            Id = _id,
            Version = _version,
            IsIceLite = true,
            Bundle = bundle,
            Sections =
            [
                .. _sections.Select(section => section.IsStopped
                    ? Describe(section, msids)
                    : local.ApplyTo(Describe(section, msids), DtlsSetup.ActPass, section.Mid == bundle[0])),
            ],
        };
    }

    /// <summary>Applies the answer to the last offer. Nothing changes if the answer does not match the offer.</summary>
    /// <param name="answer">The device's answer.</param>
    /// <param name="remote">The device's transport, or null if it rejects all sections.</param>
    /// <param name="error">Why the answer does not match the offer.</param>
    public bool TryApply(SessionDescription answer, out RemoteTransport? remote, [NotNullWhen(false)] out string? error)
    {
        var bundle = Bundle.Of(answer);
        remote = bundle.Remote;
        error = WhyNotAnswer(answer) ?? bundle.Error ?? (remote?.Setup == DtlsSetup.ActPass ? "The answer has a=setup:actpass." : null);
        if (error is not null)
            return false;

        foreach (var ((section, mid, track), answered) in _offered!.Zip(answer.Sections))
        {
            // If the mid has changed since the offer, this is a different section for the device.
            if (section.Mid != mid)
                continue;

            if (!answered.IsRejected)
                section.Apply(track, answered, bundle.Contains(answered));
            else if (section.Track is null || ReferenceEquals(section.Track, track))
                section.Stop();
            else
                section.Mid = NextMid();
        }

        return true;
    }

    private string? WhyNotAnswer(SessionDescription answer)
    {
        if (_offered is null)
            return "There was no offer to answer.";

        if (answer.Sections.Count != _offered.Length)
            return $"The answer has {answer.Sections.Count} sections, but the offer has {_offered.Length}.";

        return _offered.Zip(answer.Sections).All(pair => pair.First.Section.Kind == pair.Second.Kind
            && (pair.First.Mid == pair.Second.Mid || pair.Second.IsRejected))
            ? null
            : "The sections of the answer are not those of the offer: a kind or a=mid differs.";
    }

    private Section Append(MediaKind kind)
    {
        var section = new Section(NextMid(), kind, NewSsrc(), Assign(MediaCodecs.Default(kind)));
        _sections.Add(section);
        return section;
    }

    private string NextMid() => _nextMid++.ToString(CultureInfo.InvariantCulture);

    private uint NewSsrc()
    {
        uint ssrc;
        do
            ssrc = BitConverter.ToUInt32(RandomNumberGenerator.GetBytes(sizeof(uint)));
        while (ssrc == 0 || _sections.Exists(section => section.Ssrc == ssrc));

        return ssrc;
    }

    private Codec[] Assign(IEnumerable<Codec> codecs) => [.. codecs.Select(_payloadTypes.Assign).OfType<Codec>()];

    private static MediaDescription Describe(Section section, HashSet<Msid> msids)
    {
        var description = new MediaDescription
        {
            Type = section.Kind == MediaKind.Audio ? "audio" : "video",
            Port = section.IsStopped ? 0 : Bundle.Port,
            Protocol = Protocol,
            Formats = section.Codecs.ToFormats(),
            Mid = section.Mid,
            Direction = Direction.Inactive,
            Codecs = section.Codecs,
            IsRtcpMux = true,
            IsRtcpReducedSize = true,

            // An inactive section keeps its SSRC, because Chromium never plays an SSRC again after it was removed from the same section.
            Sources = section is { IsStopped: false, StreamId: { } streamId } ? [new(section.Ssrc, streamId)] : [],
        };
        return section.IsStopped || !section.IsSendable || section.Track is not { } track ? description : description with
        {
            Direction = Direction.SendOnly,
            Msid = UniqueMsid(section, track, msids),
        };
    }

    /// <summary>
    /// The track's msid. Chromium refuses an offer in which two sections have the same msid, so a publisher could create an offer that
    /// nobody can receive. A duplicate therefore gets a different track id, which the device does not use.
    /// </summary>
    private static Msid UniqueMsid(Section section, PublishedTrack track, HashSet<Msid> msids)
    {
        var msid = new Msid(track.StreamId, track.TrackId);
        while (!msids.Add(msid))
            msid = msid with { TrackId = $"{msid.TrackId}-{section.Mid}" };

        return msid;
    }
}
