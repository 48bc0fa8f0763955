using Sessions.Media.Forwarding;
using Sessions.Media.Negotiation;
using Sessions.Media.Rtp;
using Sessions.Media.Sdp;

namespace Sessions.Media;

/// <summary>The server's end of a connection over which a device receives. The server offers.</summary>
public sealed class SubscribingPeer : Peer
{
    // The maximum number of packets that are retransmitted for one datagram.
    private const int MaxResent = 64;

    // Sections come in pairs, so that after a server restart only their number is unknown.
    private static readonly MediaKind[] Pair = [MediaKind.Audio, MediaKind.Video];

    private readonly SubscribeSections _sections = new();
    private readonly List<OutgoingStream> _streams = [];
    private readonly byte[] _plain = new byte[MaxPacket];
    private readonly VideoBudget _budget = new();
    private BitRate _sentAudio;
    private BitRate _sentVideo;
    private TimeSpan _nextReport;

    internal SubscribingPeer(MediaEngine engine)
        : base(engine) => _nextReport = engine.Now + ReportInterval;

    /// <summary>Whether the device has ever answered.</summary>
    public bool HasAnswer { get; private set; }

    internal Span<byte> PlainPacket => _plain;

    internal override TimeSpan? Deadline => DtlsDeadline < _nextReport ? DtlsDeadline : _nextReport;

    /// <summary>
    /// Sets the sources that the device receives. Forwarding of all other sources has ended when this returns. Forwarding of new sources
    /// begins when the device has answered the next offer.
    /// </summary>
    /// <returns>Whether the device needs a new offer.</returns>
    public bool SetSources(IReadOnlyCollection<Source> sources)
    {
        lock (Gate)
        {
            if (IsDisposed)
                return false;

            var ended = _streams.Where(stream => stream.Source is { } source && !sources.Contains(source)).ToArray();
            foreach (var stream in ended)
            {
                stream.Stop();
                _sections.Remove(stream.Section);
            }

            var added = sources.Except(_streams.Select(stream => stream.Source)).OfType<Source>().ToArray();
            foreach (var source in added)
            {
                if (_sections.HasFree(source.Kind) || TryAppend(1))
                    StreamFor(_sections.Add(source.Track)).Start(source);
            }

            return ended.Length + added.Length > 0;
        }
    }

    /// <summary>
    /// Doubles the number of sections for the next offers, for a device that does not answer. The device may have more sections from before
    /// this server was started, and the number of sections may never decrease (RFC 3264, section 8).
    /// </summary>
    public void Grow()
    {
        lock (Gate)
            TryAppend(Math.Max(1, _sections.Count / Pair.Length));
    }

    /// <summary>Creates an offer of the current sources (RFC 8829, section 5.2).</summary>
    /// <param name="iceRestart">Whether to restart ICE (RFC 8445, section 2.4).</param>
    public string CreateOffer(bool iceRestart)
    {
        lock (Gate)
        {
            if (iceRestart && !IsDisposed)
                RestartIce();
            return _sections.Offer(LocalTransport).ToString();
        }
    }

    /// <summary>Applies the device's answer to the last offer. If there is an error, nothing has changed.</summary>
    /// <returns>The error, or null.</returns>
    public string? Answer(string sdpAnswer)
    {
        if (!SessionDescription.TryParse(sdpAnswer, out var answer, out var error))
            return error;

        lock (Gate)
        {
            if (IsDisposed)
                return Ended;
            if (!_sections.TryApply(answer, out var remote, out error))
                return error;

            // The server has offered actpass, and the SDK makes the device answer passive, so the server begins.
            if (remote is not null)
                SetRemote(remote, remote.Setup == DtlsSetup.Passive);
            foreach (var stream in _streams)
                stream.IsNegotiated = stream.Section.IsAccepted;
            HasAnswer = true;
        }

        // A new subscriber needs a picture immediately.
        Engine.Wake(this);
        return null;
    }

    internal override void Advance(TimeSpan now, Outbox outbox)
    {
        base.Advance(now, outbox);
        RequestKeyFrames(now, outbox);
        if (now < _nextReport)
            return;

        _nextReport = now + ReportInterval;
        AdaptToBudget(now);
        SendReports(now, outbox);
    }

    /// <summary>Whether a packet may be sent now. While a TCP connection is congested, no video is sent.</summary>
    internal bool CanSend(MediaKind kind, TimeSpan now) => CanSendAt(now) && !(kind == MediaKind.Video && IsCongested);

    internal void Send(ReadOnlySpan<byte> packet, MediaKind kind, TimeSpan now, Outbox outbox)
    {
        if (kind == MediaKind.Video)
            _sentVideo.Add(packet.Length, now);
        else
            _sentAudio.Add(packet.Length, now);
        SendRtp(packet, outbox);
    }

    private protected override void OnConnected(TimeSpan now, Outbox outbox) => RequestKeyFrames(now, outbox);

    private protected override void ReceiveRtp(Span<byte> datagram, TimeSpan now, Outbox outbox)
    {
        // The device sends no media here.
    }

    private protected override void ReceiveRtcp(Span<byte> datagram, TimeSpan now, Outbox outbox)
    {
        int length;
        lock (Gate)
        {
            if (!TryUnprotectRtcp(datagram, out length))
                return;
        }

        var resent = 0;
        var reader = new RtcpReader(datagram[..length]);
        while (reader.TryNext(out var packet))
        {
            ReadReports(packet, now);
            if (packet.IsPli)
                RequestKeyFrame(packet.MediaSsrc, now, outbox);
            foreach (var request in packet.Fir)
                RequestKeyFrame(request.Ssrc, now, outbox);
            foreach (var lost in packet.Nack)
            {
                if (resent++ < MaxResent)
                    Resend(packet.MediaSsrc, lost, now, outbox);
            }
        }
    }

    /// <summary>Ends the connection.</summary>
    protected override void Dispose(bool disposing)
    {
        SetSources([]);
        base.Dispose(disposing);
    }

    private bool TryAppend(int pairs)
    {
        var room = (SessionDescription.MaxSections - _sections.Count) / Pair.Length;
        for (var pair = 0; pair < Math.Min(pairs, room); pair++)
            _sections.Restore(Pair);
        return room > 0;
    }

    private OutgoingStream StreamFor(Section section)
    {
        var stream = _streams.Find(stream => stream.Section == section);
        if (stream is null)
            _streams.Add(stream = new(this, section));
        return stream;
    }

    // Without a lambda, whose closure would be allocated for each requested packet.
    private OutgoingStream? Find(uint ssrc)
    {
        foreach (var stream in _streams)
        {
            if (stream.Section.Ssrc == ssrc)
                return stream;
        }

        return null;
    }

    private void ReadReports(in RtcpPacket packet, TimeSpan now)
    {
        lock (Gate)
        {
            if (packet.TryReadRemb(out var limit, out _))
                _budget.ReportLimit(limit, _sentAudio.At(now));

            var (lost, count) = (0.0, 0);
            foreach (var report in packet.ReportBlocks)
            {
                if (Find(report.Ssrc) is not { Source: not null, IsPaused: false } stream)
                    continue;

                lost = Math.Max(lost, (report.FractionLost / 256.0) - stream.TakeLossBefore());
                count++;
            }

            if (count > 0)
                _budget.ReportLoss(lost, _sentVideo.At(now), now);
        }
    }

    private void RequestKeyFrame(uint ssrc, TimeSpan now, Outbox outbox)
    {
        Source? source;
        lock (Gate)
            source = Find(ssrc)?.Source;
        source?.RequestKeyFrame(now, outbox);
    }

    private void Resend(uint ssrc, ushort lost, TimeSpan now, Outbox outbox)
    {
        Span<byte> copy = stackalloc byte[MaxPacket];
        OutgoingStream? stream;
        int generation;
        long sequenceNumber;
        lock (Gate)
        {
            stream = Find(ssrc);
            if (stream?.Source is null || !stream.TryMapBack(lost, out generation, out sequenceNumber))
                return;
        }

        if (stream.Source?.TryCopy(generation, sequenceNumber, copy, out var length) == true && RtpPacket.TryParse(copy[..length], out var packet))
            stream.Resend(generation, packet, sequenceNumber, now, outbox);
    }

    private void RequestKeyFrames(TimeSpan now, Outbox outbox)
    {
        foreach (var stream in Snapshot())
        {
            Source? source;
            lock (Gate)
                source = stream is { NeedsKeyFrame: true, IsNegotiated: true, IsPaused: false } && IsConnected ? stream.Source : null;
            source?.RequestKeyFrame(now, outbox);
        }
    }

    /// <summary>Pauses the videos that exceed the budget, later ones first.</summary>
    private void AdaptToBudget(TimeSpan now)
    {
        lock (Gate)
            _budget.Advance(now);

        var (used, budget) = (0L, _budget.BitRate);
        foreach (var stream in Snapshot())
        {
            if (stream.Source is not { Kind: MediaKind.Video } source)
                continue;

            used += source.BitRateAt(now);
            lock (Gate)
            {
                if (stream.IsPaused != used > budget)
                    stream.IsPaused = used > budget;
            }
        }
    }

    /// <summary>
    /// Sends a sender report for each stream, so that a device can synchronize audio and video (RFC 3550, section 6.4.1).
    /// </summary>
    private void SendReports(TimeSpan now, Outbox outbox)
    {
        Span<byte> room = stackalloc byte[MaxRtcp];
        foreach (var stream in Snapshot())
        {
            if (stream.Source is not { } source || !source.TryReadClocks(now, out var generation, out var ntp, out var rtp))
                continue;

            lock (Gate)
            {
                if (!CanSendAt(now) || stream.Source != source || !stream.TryMapTimestamp(generation, rtp, out rtp))
                    continue;

                var writer = new RtcpWriter(room);
                writer.AddSenderReport(stream.Section.Ssrc, new(ntp, rtp, stream.PacketCount, stream.OctetCount), []);
                writer.AddSdes(stream.Section.Ssrc, source.StreamId);
                SendRtcp(room[..writer.Length], outbox);
            }
        }
    }

    private OutgoingStream[] Snapshot()
    {
        lock (Gate)
            return [.. _streams];
    }
}
