using Sessions.Media.Forwarding;
using Sessions.Media.Negotiation;
using Sessions.Media.Rtp;

namespace Sessions.Media;

/// <summary>
/// One outgoing RTP stream of a subscribing peer, with the SSRC of a section. The SSRC stays the same when another track uses the section.
/// The subscribing peer's lock guards the stream.
/// </summary>
internal sealed class OutgoingStream(SubscribingPeer peer, Section section)
{
    private const int VideoClockRate = 90_000;
    private const int AudioClockRate = 48_000;

    // Sequence numbers and timestamps may start anywhere (RFC 3550, section 5.1). Starting at 1000 leaves a receiver that compares extended
    // numbers some room below.
    private SequenceMap _map = new(section.Kind == MediaKind.Video ? VideoClockRate : AudioClockRate, 1000, 0);
    private int _generation = -1;
    private bool _isInterrupted;
    private bool _isPaused;
    private (long Expected, long Sent) _reported;

    public Section Section => section;

    /// <summary>The source that is forwarded, or null for none.</summary>
    public Source? Source { get; private set; }

    /// <summary>Whether the device has accepted the section in its current state. Packets sent before that would be lost.</summary>
    public bool IsNegotiated { get; set; }

    /// <summary>Whether forwarding waits for the start of a key frame.</summary>
    public bool NeedsKeyFrame { get; private set; }

    public uint PacketCount { get; private set; }

    public uint OctetCount { get; private set; }

    /// <summary>Whether the stream is paused because the subscriber's link is too narrow for it.</summary>
    public bool IsPaused
    {
        get => _isPaused;
        set
        {
            _isPaused = value;
            NeedsKeyFrame |= value;
        }
    }

    /// <summary>
    /// The fraction of packets since the last call that never arrived from the publisher. The subscriber's report counts these packets as
    /// lost, although its link did not lose them.
    /// </summary>
    public double TakeLossBefore()
    {
        var (expected, sent) = (_map.Count - _reported.Expected, PacketCount - _reported.Sent);
        _reported = (_map.Count, PacketCount);
        return expected > 0 ? Math.Clamp(1 - ((double)sent / expected), 0, 1) : 0;
    }

    /// <summary>Maps a timestamp of the source to the outgoing stream. False until a packet of this generation has been sent.</summary>
    public bool TryMapTimestamp(int generation, uint timestamp, out uint outgoing)
    {
        outgoing = timestamp + _map.TimestampOffset;
        return generation == _generation;
    }

    /// <summary>Starts forwarding a source. Video begins with a key frame.</summary>
    public void Start(Source source)
    {
        Source = source;
        (_generation, IsNegotiated, IsPaused, NeedsKeyFrame) = (-1, false, false, source.Kind == MediaKind.Video);
        source.Subscribe(this);
    }

    public void Stop()
    {
        Source?.Unsubscribe(this);
        Source = null;
    }

    /// <summary>Forwards a packet of the source, unless this subscriber cannot receive it now.</summary>
    public void Forward(Source source, int generation, in RtpPacket packet, long sequenceNumber, bool startsKeyFrame, TimeSpan now, Outbox outbox)
    {
        lock (peer.Gate)
        {
            if (Source != source || !IsNegotiated || _isPaused || !peer.CanSend(section.Kind, now))
            {
                NeedsKeyFrame |= source.Kind == MediaKind.Video;
                _isInterrupted = true;
                return;
            }

            // A decoder cannot continue with the pictures of another stream, and would not notice the change because the sequence numbers
            // have no gap.
            NeedsKeyFrame |= source.Kind == MediaKind.Video && generation != _generation;
            if (NeedsKeyFrame && !startsKeyFrame)
                return;

            if (NeedsKeyFrame || _isInterrupted || generation != _generation || _map.IsFarAhead(sequenceNumber))
            {
                // A late packet from before the interruption no longer fits into the stream.
                if (generation == _generation && _map.IsBehind(sequenceNumber))
                    return;
                _map.Resume(sequenceNumber, packet.Timestamp, now);
            }

            (NeedsKeyFrame, _isInterrupted, _generation) = (false, false, generation);
            if (Send(packet, sequenceNumber, now, outbox))
            {
                PacketCount++;
                OctetCount += (uint)packet.Payload.Length;
            }
        }
    }

    /// <summary>Maps a sequence number back to the source's. False if no packet was sent with it.</summary>
    public bool TryMapBack(ushort sequenceNumber, out int generation, out long sourceSequenceNumber)
    {
        generation = _generation;
        return _map.TryMapBack(sequenceNumber, out sourceSequenceNumber);
    }

    /// <summary>Retransmits a packet.</summary>
    public void Resend(int generation, in RtpPacket packet, long sequenceNumber, TimeSpan now, Outbox outbox)
    {
        lock (peer.Gate)
        {
            if (Source is not null && generation == _generation && !_isPaused && peer.CanSend(section.Kind, now))
                Send(packet, sequenceNumber, now, outbox);
        }
    }

    private bool Send(in RtpPacket packet, long sequenceNumber, TimeSpan now, Outbox outbox)
    {
        if (section.PayloadTypeFor(packet.PayloadType) is not { } payloadType
            || !_map.TryMap(sequenceNumber, packet.Timestamp, now, out var outgoing, out var timestamp))
        {
            return false;
        }

        var plain = peer.PlainPacket;
        RtpHeader.Write(plain, packet.Marker, payloadType, outgoing, timestamp, section.Ssrc);
        packet.Payload.CopyTo(plain[RtpHeader.Length..]);
        peer.Send(plain[..(RtpHeader.Length + packet.Payload.Length)], section.Kind, now, outbox);
        return true;
    }
}
