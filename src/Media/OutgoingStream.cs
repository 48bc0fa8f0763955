using Sessions.Media.Forwarding;
using Sessions.Media.Negotiation;
using Sessions.Media.Rtp;

namespace Sessions.Media;

/// <summary>
/// One outgoing RTP stream of a subscribing peer: a section's SSRC, which stays when another track takes the section over. The
/// subscribing peer's lock guards it.
/// </summary>
internal sealed class OutgoingStream(SubscribingPeer peer, Section section)
{
    private const int VideoClockRate = 90_000;
    private const int AudioClockRate = 48_000;

    // Both may start anywhere (RFC 3550, section 5.1): a receiver that compares extended numbers gets some room below.
    private SequenceMap _map = new(section.Kind == MediaKind.Video ? VideoClockRate : AudioClockRate, 1000, 0);
    private int _generation = -1;
    private bool _isInterrupted;
    private bool _isPaused;
    private (long Expected, long Sent) _reported;

    public Section Section => section;

    /// <summary>What is forwarded; null for nothing.</summary>
    public Source? Source { get; private set; }

    /// <summary>Whether the device has taken the section as it is now: before, packets would be lost.</summary>
    public bool IsNegotiated { get; set; }

    /// <summary>Whether nothing is forwarded until a key frame starts.</summary>
    public bool NeedsKeyFrame { get; private set; }

    public uint PacketCount { get; private set; }

    public uint OctetCount { get; private set; }

    /// <summary>Whether the stream is left out, because the subscriber cannot take it.</summary>
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
    /// The part of the packets since the last call that did not even come from the publisher. The subscriber's report counts them as
    /// lost, but its link is not to blame.
    /// </summary>
    public double TakeLossBefore()
    {
        var (expected, sent) = (_map.Count - _reported.Expected, PacketCount - _reported.Sent);
        _reported = (_map.Count, PacketCount);
        return expected > 0 ? Math.Clamp(1 - ((double)sent / expected), 0, 1) : 0;
    }

    /// <summary>The timestamp of the source's packets as it is sent; false as long as none of them was sent.</summary>
    public bool TryMapTimestamp(int generation, uint timestamp, out uint outgoing)
    {
        outgoing = timestamp + _map.TimestampOffset;
        return generation == _generation;
    }

    /// <summary>Forwards this from now on; a video begins with a key frame.</summary>
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

    /// <summary>Forwards a packet of the source, if this subscriber gets it.</summary>
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

            // A decoder cannot go on with the pictures of another stream, and would not notice, as the numbers are without a gap.
            NeedsKeyFrame |= source.Kind == MediaKind.Video && generation != _generation;
            if (NeedsKeyFrame && !startsKeyFrame)
                return;

            if (NeedsKeyFrame || _isInterrupted || generation != _generation || _map.IsFarAhead(sequenceNumber))
            {
                // A late packet of before the break has no place behind it.
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

    /// <summary>The source's number of a packet that was sent with this one; false when there is none.</summary>
    public bool TryMapBack(ushort sequenceNumber, out int generation, out long sourceSequenceNumber)
    {
        generation = _generation;
        return _map.TryMapBack(sequenceNumber, out sourceSequenceNumber);
    }

    /// <summary>Sends a packet once more.</summary>
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
