using Sessions.Media;
using Sessions.Media.Rtp;
using Sessions.Media.Sdp;

namespace Sessions.Tests.Media.Network;

/// <summary>A device that receives, requests lost packets, and reports the packets that arrive.</summary>
internal sealed class SubscribingDevice(SimulatedCall call, SubscribingPeer peer) : SimulatedDevice(call, peer)
{
    private readonly Dictionary<uint, ReceivedStream> _streams = [];
    private readonly Dictionary<int, long> _endedAt = [];
    private readonly HashSet<int> _allowed = [];
    private readonly Dictionary<uint, bool> _offered = [];
    private TimeSpan _nextReport;

    public IEnumerable<ReceivedStream> Streams => _streams.Values;

    /// <summary>The bit rate that the device says it can receive, in bit/s, or null if it says nothing.</summary>
    public long? Limit { get; set; }

    public bool SendsReports { get; set; } = true;

    public bool ChecksTimestamps { get; set; } = true;

    /// <summary>The received sender reports, each with its SSRC and the RTP timestamp at a time.</summary>
    public List<(uint Ssrc, SenderInfo Info)> SenderReports { get; } = [];

    /// <summary>The number of packets received of a track.</summary>
    public long ReceivedOf(PublishedStream stream) => _streams.Values.Sum(received => received.Received.GetValueOrDefault(stream.Id));

    /// <summary>Subscribes to exactly these tracks of publishers.</summary>
    public void Subscribe(params (PublishingDevice Publisher, PublishedStream[] Streams)[] subscriptions)
    {
        var sources = subscriptions.SelectMany(subscription
            => subscription.Publisher.Sources.Where(source => subscription.Streams.Any(stream => stream.Kind == source.Kind)));
        peer.SetSources([.. sources]);
        var now = subscriptions.SelectMany(subscription => subscription.Streams).Select(stream => stream.Id).ToHashSet();
        foreach (var ended in _allowed.Where(id => !now.Contains(id)))
            _endedAt[ended] = Call.Network.Step;
        foreach (var id in now)
        {
            _allowed.Add(id);
            _endedAt.Remove(id);
        }
    }

    public void Subscribe(params PublishingDevice[] publishers)
        => Subscribe([.. publishers.Select(publisher => (publisher, publisher.Streams.ToArray()))]);

    public void Negotiate(bool iceRestart = false)
    {
        var offer = peer.CreateOffer(iceRestart);
        Assert.True(SessionDescription.TryParse(offer, out var parsed, out var error), error);
        if (parsed.Sections.Count == 0)
            return;

        foreach (var section in parsed.Sections.Where(section => section.Sources.Count > 0))
            _offered[section.Sources[0].Ssrc] = section.Kind == MediaKind.Video;
        Assert.Null(peer.Answer(DeviceDescription.Answer(this, offer)));
        Connect(offer, isDtlsClient: false);
    }

    protected override void SendMedia()
    {
        Span<byte> room = stackalloc byte[1400];
        SendNacks(room);
        if (Call.Now < _nextReport || !SendsReports)
            return;

        _nextReport = Call.Now + TimeSpan.FromSeconds(1);
        var writer = new RtcpWriter(room);
        ReportBlock[] reports = [.. _streams.Values.Select(stream => stream.Report(Call.Now)).Take(31)];
        writer.AddReceiverReport(1, reports);
        if (Limit is { } limit)
            writer.AddRemb(1, limit, []);
        SendRtcp(room[..writer.Length]);
    }

    protected override void ReceiveRtp(ReadOnlySpan<byte> packet, long sentAt)
    {
        Assert.True(RtpPacket.TryParse(packet, out var rtp));
        Assert.True(_offered.TryGetValue(rtp.Ssrc, out var isVideo), $"Nothing was offered with SSRC {rtp.Ssrc}.");
        var (id, _, _) = PublishedStream.Read(rtp.Payload);
        Assert.Contains(id, _allowed);
        Assert.True(!_endedAt.TryGetValue(id, out var endedAt) || sentAt <= endedAt, "A packet was sent after the subscription had ended.");
        if (!_streams.TryGetValue(rtp.Ssrc, out var stream))
            _streams[rtp.Ssrc] = stream = new(rtp.Ssrc, isVideo);
        stream.ChecksTimestamps = ChecksTimestamps;
        stream.Receive(rtp, Call.Now);
    }

    protected override void ReceiveRtcp(ReadOnlySpan<byte> packet)
    {
        var reader = new RtcpReader(packet);
        while (reader.TryNext(out var part))
        {
            if (part.TryReadSenderInfo(out var info))
                SenderReports.Add((part.SenderSsrc, info));
        }
    }

    private void SendNacks(Span<byte> room)
    {
        Span<ushort> lost = stackalloc ushort[64];
        foreach (var stream in _streams.Values)
        {
            if (!stream.IsVideo || stream.Missing.Deadline is not { } deadline || deadline > Call.Now)
                continue;

            var count = stream.Missing.Due(Call.Now, lost);
            if (count == 0)
                continue;

            var writer = new RtcpWriter(room);
            writer.AddReceiverReport(1, []);
            writer.AddNack(1, stream.Ssrc, lost[..count]);
            SendRtcp(room[..writer.Length]);
        }
    }
}
