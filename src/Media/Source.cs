using Sessions.Media.Forwarding;
using Sessions.Media.Negotiation;
using Sessions.Media.Rtp;

namespace Sessions.Media;

/// <summary>
/// A published track as the server receives it. The server requests missing packets (RFC 4585, section 6.2.1), keeps one second of video,
/// and forwards every packet to the subscribers. The publishing peer's lock guards everything except the list of subscribers.
/// </summary>
public sealed class Source
{
    private static readonly TimeSpan KeyFramePause = TimeSpan.FromMilliseconds(500);

    // How long packets with the previous SSRC may still arrive.
    private static readonly TimeSpan Lateness = TimeSpan.FromSeconds(2);

    private readonly PublishingPeer _peer;
    private readonly VideoCodec? _codec;
    private readonly PacketCache? _cache;
    private MissingPackets? _missing;
    private ReceptionStatistics _statistics;
    private SequenceUnwrapper _unwrapper;
    private BitRate _bitRate;
    private uint? _ssrc;
    private uint? _formerSsrc;
    private TimeSpan _began;
    private TimeSpan _nextKeyFrame;
    private (ulong Ntp, uint Rtp, TimeSpan Received)? _senderReport;
    private volatile OutgoingStream[] _subscribers = [];
    private volatile bool _isKeyFrameWanted;

    internal Source(PublishingPeer peer, PublishedTrack track)
    {
        (_peer, Track) = (peer, track);
        _statistics = new(track.Codec.ClockRate);
        if (track.Kind == MediaKind.Video)
        {
            _codec = track.Codec.Name.Equals("VP8", StringComparison.OrdinalIgnoreCase) ? VideoCodec.Vp8 : VideoCodec.H264;
            (_cache, _missing) = (new(), new());
        }
    }

    /// <summary>The id of the track's MediaStream in the publisher's browser.</summary>
    public string StreamId => Track.StreamId;

    /// <summary>The track's id in the publisher's browser.</summary>
    public string TrackId => Track.TrackId;

    /// <summary>The kind of media of the track.</summary>
    public MediaKind Kind => Track.Kind;

    internal PublishedTrack Track { get; private set; }

    /// <summary>
    /// The number of the current packet stream. It increases when the publisher starts again with a new SSRC or new keys.
    /// </summary>
    internal int Generation { get; private set; }

    internal ReadOnlySpan<OutgoingStream> Subscribers => _subscribers;

    /// <summary>When to request missing packets or a key frame from the publisher next, or null for never.</summary>
    internal TimeSpan? Deadline
    {
        get
        {
            var missing = _missing?.Deadline;
            return _isKeyFrameWanted && _ssrc is not null && !(missing < _nextKeyFrame) ? _nextKeyFrame : missing;
        }
    }

    internal void Replace(PublishedTrack track) => Track = track;

    internal void Subscribe(OutgoingStream stream)
    {
        lock (_peer.SubscriberGate)
            _subscribers = [.. _subscribers, stream];
    }

    internal void Unsubscribe(OutgoingStream stream)
    {
        lock (_peer.SubscriberGate)
            _subscribers = [.. _subscribers.Where(other => other != stream)];
    }

    /// <summary>Whether a packet with the previous SSRC arrives late. It can no longer be forwarded.</summary>
    internal bool IsLate(uint ssrc, TimeSpan now) => ssrc == _formerSsrc && now - _began < Lateness;

    /// <summary>
    /// Ends the current generation. The publisher has a new connection with new keys and its own numbering, so its packets belong to the
    /// next generation.
    /// </summary>
    internal void End() => (_ssrc, _formerSsrc) = (null, null);

    /// <summary>Counts a packet, and keeps it if it is video.</summary>
    /// <returns>Its extended sequence number, and whether a key frame starts in it.</returns>
    internal (long SequenceNumber, bool StartsKeyFrame) Receive(in RtpPacket packet, ReadOnlySpan<byte> datagram, TimeSpan now)
    {
        if (_ssrc != packet.Ssrc)
            Begin(packet.Ssrc, now);

        var sequenceNumber = _unwrapper.Unwrap(packet.SequenceNumber);
        _statistics.Receive(packet.SequenceNumber, packet.Timestamp, now);
        _bitRate.Add(datagram.Length, now);
        _missing?.Receive(sequenceNumber, now);
        _cache?.Add(sequenceNumber, datagram, now);
        var startsKeyFrame = _codec is { } codec && KeyFrame.StartsIn(codec, packet.Payload);

        // The key frame fulfills every request so far. Requesting another would use up the next half second, in which a new subscriber
        // could request one.
        if (startsKeyFrame)
            _isKeyFrameWanted = false;
        return (sequenceNumber, startsKeyFrame);
    }

    internal void ReceiveSenderReport(uint ssrc, ulong ntp, uint rtp, TimeSpan now)
    {
        // A sender report of the previous SSRC has a different clock.
        if (ssrc != _ssrc)
            return;

        _statistics.ReceiveSenderReport(ntp, now);
        _senderReport = (ntp, rtp, now);
    }

    /// <summary>The publisher's clocks at <paramref name="now"/>. False before the first sender report of this generation.</summary>
    internal bool TryReadClocks(TimeSpan now, out int generation, out ulong ntp, out uint rtp)
    {
        lock (_peer.Gate)
        {
            (generation, ntp, rtp) = (Generation, 0, 0);
            if (_senderReport is not { } report)
                return false;

            var elapsed = (now - report.Received).TotalSeconds;
            ntp = report.Ntp + (ulong)(elapsed * (1L << 32));
            rtp = report.Rtp + (uint)(long)(elapsed * Track.Codec.ClockRate);
            return true;
        }
    }

    internal long BitRateAt(TimeSpan now)
    {
        lock (_peer.Gate)
            return _bitRate.At(now);
    }

    /// <summary>Copies a packet that was received within the last second.</summary>
    internal bool TryCopy(int generation, long sequenceNumber, Span<byte> destination, out int length)
    {
        length = 0;
        lock (_peer.Gate)
            return generation == Generation && _cache is not null && _cache.TryCopy(sequenceNumber, destination, out length);
    }

    /// <summary>Requests a key frame from the publisher, now or half a second after the previous request.</summary>
    /// <param name="now">The time.</param>
    /// <param name="outbox">Receives the request.</param>
    internal void RequestKeyFrame(TimeSpan now, Outbox outbox)
    {
        _isKeyFrameWanted = true;
        _peer.SendFeedback(this, now, outbox);
    }

    /// <summary>Adds the requests for lost packets and a key frame that are due (RFC 4585, section 6.3.1).</summary>
    internal void AddFeedback(ref RtcpWriter writer, uint senderSsrc, TimeSpan now)
    {
        const int MaxLost = 64;

        if (_ssrc is not { } ssrc)
            return;

        Span<ushort> lost = stackalloc ushort[MaxLost];
        if (_missing?.Due(now, lost) is > 0 and var count)
            writer.AddNack(senderSsrc, ssrc, lost[..count]);

        if (IsKeyFrameDue(now))
        {
            (_isKeyFrameWanted, _nextKeyFrame) = (false, now + KeyFramePause);
            writer.AddPli(senderSsrc, ssrc);
        }
    }

    /// <summary>Whether a request is due now.</summary>
    internal bool HasFeedback(TimeSpan now) => IsKeyFrameDue(now) || _missing?.Deadline <= now;

    /// <summary>The report about the received packets (RFC 3550, section 6.4.1). False if no packet has been received.</summary>
    internal bool TryReport(TimeSpan now, out ReportBlock report)
    {
        report = _ssrc is { } ssrc ? _statistics.Report(ssrc, now) : default;
        return _ssrc is not null;
    }

    private bool IsKeyFrameDue(TimeSpan now) => _isKeyFrameWanted && _ssrc is not null && now >= _nextKeyFrame;

    private void Begin(uint ssrc, TimeSpan now)
    {
        (_ssrc, _formerSsrc, _began) = (ssrc, _ssrc, now);
        _unwrapper = default;
        _statistics = new(Track.Codec.ClockRate);
        _missing = _missing is null ? null : new();
        _cache?.Clear();
        _senderReport = null;
        _nextKeyFrame = default;
        Generation++;
    }
}
