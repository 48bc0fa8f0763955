using Sessions.Media.Sdp;

namespace Sessions.Media.Negotiation;

/// <summary>
/// One section of a subscribing connection. It exists as long as the connection, and carries one track after another. Only
/// <see cref="IsAccepted"/> and <see cref="PayloadTypeFor"/> may be called from threads other than those that change the sections.
/// </summary>
public sealed class Section
{
    private const byte None = byte.MaxValue;

    private byte[]? _payloadTypes;

    internal Section(string mid, MediaKind kind, uint ssrc, IReadOnlyList<Codec> codecs)
    {
        Mid = mid;
        Kind = kind;
        Ssrc = ssrc;
        Codecs = codecs;
    }

    /// <summary>The section's identification. It changes only when a section that the device rejected is reused.</summary>
    public string Mid { get; internal set; }

    /// <summary>The kind of media.</summary>
    public MediaKind Kind { get; }

    /// <summary>The SSRC with which this end sends, whichever track the section carries.</summary>
    public uint Ssrc { get; }

    /// <summary>The track, or null while the section is inactive.</summary>
    public PublishedTrack? Track { get; private set; }

    /// <summary>Whether the device has agreed to receive the track.</summary>
    public bool IsAccepted => Volatile.Read(ref _payloadTypes) is not null;

    /// <summary>The codecs that this end offers, with the connection's payload types. An inactive section keeps its last codecs.</summary>
    internal IReadOnlyList<Codec> Codecs { get; private set; }

    /// <summary>The stream of the track, or of the last track while the section is inactive. Null before the first track.</summary>
    internal string? StreamId { get; private set; }

    /// <summary>Whether the track's codec has a payload type. Otherwise the section is inactive.</summary>
    internal bool IsSendable { get; private set; }

    /// <summary>Whether the device rejected the section. It stays rejected until another track is put into it.</summary>
    internal bool IsStopped { get; private set; }

    /// <summary>
    /// The payload type for the device, for packets that the publisher sent with <paramref name="publishersPayloadType"/>. Null if the
    /// device does not accept that codec.
    /// </summary>
    public byte? PayloadTypeFor(byte publishersPayloadType)
    {
        var payloadTypes = Volatile.Read(ref _payloadTypes);
        return payloadTypes is null || publishersPayloadType >= payloadTypes.Length || payloadTypes[publishersPayloadType] == None
            ? null
            : payloadTypes[publishersPayloadType];
    }

    /// <summary>Puts a track into the section. The device then has to accept it.</summary>
    internal void Set(PublishedTrack track, IReadOnlyList<Codec>? codecs)
    {
        Track = track;
        StreamId = track.StreamId;
        Codecs = codecs ?? Codecs;
        IsSendable = codecs is not null;
        IsStopped = false;
        Volatile.Write(ref _payloadTypes, null);
    }

    /// <summary>Removes the track from the section.</summary>
    internal void Clear()
    {
        Track = null;
        Volatile.Write(ref _payloadTypes, null);
    }

    /// <summary>Marks the section as rejected by the device.</summary>
    internal void Stop()
    {
        IsStopped = true;
        Volatile.Write(ref _payloadTypes, null);
    }

    /// <summary>Applies the device's answer to an offer with the track <paramref name="offered"/> in this section.</summary>
    internal void Apply(PublishedTrack? offered, MediaDescription answer, bool isBundled)
    {
        if (ReferenceEquals(offered, Track))
            Volatile.Write(ref _payloadTypes, offered is not null && isBundled && answer.IsReceiving ? Map(offered, answer.Codecs) : null);
    }

    /// <summary>
    /// The device's payload type for each payload type of the publisher, or null if the device does not accept the media codec.
    /// </summary>
    private static byte[]? Map(PublishedTrack track, IReadOnlyList<Codec> answered)
    {
        var map = new byte[128];
        Array.Fill(map, None);
        foreach (var codec in (IEnumerable<Codec>)[track.Codec, .. track.TelephoneEvents])
        {
            if (answered.FirstOrDefault(other => other.Is(codec.Name, codec.ClockRate, codec.Channels)) is { } found)
                map[codec.PayloadType] = found.PayloadType;
        }

        return map[track.Codec.PayloadType] == None ? null : map;
    }
}
