using Sessions.Media.Negotiation;
using Sessions.Media.Rtp;
using Sessions.Media.Sdp;

namespace Sessions.Media;

/// <summary>The server's end of a connection over which a device publishes. The device offers.</summary>
public sealed class PublishingPeer : Peer
{
    private const string CanonicalName = "sessions";

    // The count in a report has five bits (RFC 3550, section 6.4.2). If there are more sections, the rest are omitted.
    private const int MaxReports = 31;

    private readonly uint _ssrc = (uint)Random.Shared.NextInt64(1, uint.MaxValue);
    private volatile Source[] _sources = [];
    private Dictionary<uint, Source> _sourceOfSsrc = [];
    private TimeSpan _nextReport;

    internal PublishingPeer(MediaEngine engine)
        : base(engine) => _nextReport = engine.Now + ReportInterval;

    /// <summary>The tracks that are published after the last <see cref="Answer"/>.</summary>
    public IReadOnlyList<Source> Sources => _sources;

    internal Lock SubscriberGate { get; } = new();

    internal override TimeSpan? Deadline
    {
        get
        {
            var deadline = DtlsDeadline < _nextReport ? DtlsDeadline : _nextReport;
            foreach (var source in _sources)
            {
                if (source.Deadline < deadline)
                    deadline = source.Deadline;
            }

            return deadline;
        }
    }

    /// <summary>
    /// Answers an offer (RFC 8829, section 5.3). The answer rejects tracks that the participant may not publish. Tracks that are no longer
    /// offered end. If there is an error, nothing has changed.
    /// </summary>
    public PublishResult Answer(string sdpOffer, MediaPermissions permissions, int maxTracks)
    {
        if (!SessionDescription.TryParse(sdpOffer, out var offer, out var error))
            return new(error, null);

        lock (Gate)
        {
            if (IsDisposed)
                return new(Ended, null);

            var result = PublishAnswer.Create(offer, permissions, LocalTransport, maxTracks);
            if (result.Error is not null)
                return new(result.Error, null);

            // If the offer restarts ICE, the answer needs new credentials.
            if (result.Remote is { } remote && SetRemote(remote, result.LocalSetup == DtlsSetup.Active))
                result = PublishAnswer.Create(offer, permissions, LocalTransport, maxTracks);

            SetTracks(result.Tracks);
            return new(null, result.Answer!.ToString());
        }
    }

    internal override void Advance(TimeSpan now, Outbox outbox)
    {
        base.Advance(now, outbox);
        lock (Gate)
        {
            if (now >= _nextReport)
                SendReport(now, outbox);
            else
                SendDueFeedback(now, outbox);
        }
    }

    /// <summary>Requests lost packets and key frames of <paramref name="source"/>, if they are due.</summary>
    internal void SendFeedback(Source source, TimeSpan now, Outbox outbox)
    {
        lock (Gate)
        {
            if (source.HasFeedback(now))
                SendDueFeedback(now, outbox);
        }
    }

    private protected override void ReceiveRtp(Span<byte> datagram, TimeSpan now, Outbox outbox)
    {
        Source? source;
        int generation;
        RtpPacket packet;
        long sequenceNumber;
        bool startsKeyFrame;
        bool isWithoutKeyFrame;
        lock (Gate)
        {
            if (!TryUnprotectRtp(datagram, out var length)
                || length > MaxPacket
                || !RtpPacket.TryParse(datagram[..length], out packet)
                || !_sourceOfSsrc.TryGetValue(packet.Ssrc, out source)
                || source.IsLate(packet.Ssrc, now))
            {
                return;
            }

            var before = source.Generation;
            (sequenceNumber, startsKeyFrame) = source.Receive(packet, datagram[..length], now);
            generation = source.Generation;
            isWithoutKeyFrame = generation != before && source.Kind == MediaKind.Video && !startsKeyFrame;
        }

        if (isWithoutKeyFrame)
            source.RequestKeyFrame(now, outbox);

        foreach (var subscriber in source.Subscribers)
            subscriber.Forward(source, generation, packet, sequenceNumber, startsKeyFrame, now, outbox);
    }

    private protected override void ReceiveRtcp(Span<byte> datagram, TimeSpan now, Outbox outbox)
    {
        lock (Gate)
        {
            if (!TryUnprotectRtcp(datagram, out var length))
                return;

            var reader = new RtcpReader(datagram[..length]);
            while (reader.TryNext(out var packet))
            {
                if (packet.TryReadSenderInfo(out var info) && _sourceOfSsrc.TryGetValue(packet.SenderSsrc, out var source))
                    source.ReceiveSenderReport(packet.SenderSsrc, info.NtpTime, info.RtpTimestamp, now);
            }
        }
    }

    private protected override void OnForgotten()
    {
        foreach (var source in _sources)
            source.End();
    }

    /// <summary>Ends the connection and its tracks.</summary>
    protected override void Dispose(bool disposing)
    {
        base.Dispose(disposing);
        lock (Gate)
            SetTracks([]);
    }

    private void SetTracks(IReadOnlyList<PublishedTrack> tracks)
    {
        var before = _sources;
        _sources = [.. tracks.Select(track => Keep(before, track) ?? new Source(this, track))];
        _sourceOfSsrc = _sources.SelectMany(source => source.Track.Ssrcs.Select(ssrc => (ssrc, source)))
            .DistinctBy(pair => pair.ssrc).ToDictionary(pair => pair.ssrc, pair => pair.source);
    }

    private static Source? Keep(Source[] sources, PublishedTrack track)
    {
        var kept = sources.FirstOrDefault(source
            => (source.Track.Mid, source.StreamId, source.TrackId) == (track.Mid, track.StreamId, track.TrackId)
                && (source.Track.Codec.Name, source.Track.Codec.Parameters) == (track.Codec.Name, track.Codec.Parameters));
        kept?.Replace(track);
        return kept;
    }

    /// <summary>Sends a receiver report about every track, together with all feedback that is due (RFC 3550, section 6.1).</summary>
    private void SendReport(TimeSpan now, Outbox outbox)
    {
        _nextReport = now + ReportInterval;
        if (!CanSendAt(now) || _sources.Length == 0)
            return;

        Span<ReportBlock> reports = stackalloc ReportBlock[MaxReports];
        var count = 0;
        foreach (var source in _sources)
        {
            if (count < MaxReports && source.TryReport(now, out reports[count]))
                count++;
        }

        Span<byte> room = stackalloc byte[MaxRtcp];
        var writer = new RtcpWriter(room);
        writer.AddReceiverReport(_ssrc, reports[..count]);
        writer.AddSdes(_ssrc, CanonicalName);
        AddFeedback(ref writer, now);
        SendRtcp(room[..writer.Length], outbox);
    }

    private void SendDueFeedback(TimeSpan now, Outbox outbox)
    {
        if (!CanSendAt(now))
            return;

        Span<byte> room = stackalloc byte[MaxRtcp];
        var writer = new RtcpWriter(room);
        writer.AddReceiverReport(_ssrc, []);
        writer.AddSdes(_ssrc, CanonicalName);
        var before = writer.Length;
        AddFeedback(ref writer, now);
        if (writer.Length > before)
            SendRtcp(room[..writer.Length], outbox);
    }

    private void AddFeedback(ref RtcpWriter writer, TimeSpan now)
    {
        // The most bytes that one track needs, for a header and all its lost packets. The other tracks follow in the next RTCP packet.
        const int MaxFeedback = 300;

        foreach (var source in _sources)
        {
            if (writer.Length + MaxFeedback < MaxRtcp)
                source.AddFeedback(ref writer, _ssrc, now);
        }
    }
}

/// <summary>The answer to an offer, or an error.</summary>
public sealed record PublishResult(string? Error, string? Answer);
