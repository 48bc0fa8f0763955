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
    private bool _isPaused;

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

    public uint TimestampOffset => _map.TimestampOffset;

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
                return;
            }

            if (NeedsKeyFrame && !startsKeyFrame)
                return;

            if (NeedsKeyFrame || generation != _generation)
                _map.Resume(sequenceNumber, packet.Timestamp, now);
            (NeedsKeyFrame, _generation) = (false, generation);
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
