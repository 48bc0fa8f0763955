using Sessions.Media;
using Sessions.Media.Rtp;

namespace Sessions.Tests.Media.Network;

/// <summary>A device that publishes audio and video, and sends lost packets and key frames on request.</summary>
internal sealed class PublishingDevice : SimulatedDevice
{
    private readonly PublishingPeer _peer;
    private readonly string _streamId;
    private TimeSpan _nextReport;
    private ulong _ntp;

    public PublishingDevice(SimulatedCall call, PublishingPeer peer, string streamId, bool hasVideo)
        : base(call, peer)
    {
        (_peer, _streamId) = (peer, streamId);
        var random = call.Network.Random;
        Audio = new(MediaKind.Audio, random.Next(), (uint)random.Next());
        Video = new(MediaKind.Video, random.Next(), (uint)random.Next());
        Streams = hasVideo ? [Audio, Video] : [Audio];
        foreach (var stream in Streams)
            (stream.SequenceNumber, stream.Timestamp) = (PublishedStream.FirstSequenceNumber(random), (uint)random.NextInt64(uint.MaxValue));
    }

    public PublishedStream Audio { get; }

    public PublishedStream Video { get; }

    public IReadOnlyList<PublishedStream> Streams { get; }

    public IReadOnlyList<Source> Sources => _peer.Sources;

    /// <summary>Whether the device sends neither media nor reports.</summary>
    public bool IsMute { get; set; }

    /// <summary>How often the server has requested a key frame and a packet.</summary>
    public (int Pli, int Nack) Asked { get; private set; }

    public void Negotiate()
    {
        var result = _peer.Answer(DeviceDescription.Offer(this, _streamId, Streams), new(true, true), maxTracks: 10);
        Assert.Null(result.Error);
        Connect(result.Answer!, isDtlsClient: true);
    }

    protected override void SendMedia()
    {
        if (IsMute)
            return;

        Span<byte> packet = stackalloc byte[1400];
        foreach (var stream in Streams)
        {
            // After a jump of the clock the device continues without catching up.
            if (Call.Now - stream.NextAt > TimeSpan.FromSeconds(1))
                stream.NextAt = Call.Now;
            for (; stream.NextAt <= Call.Now; stream.NextAt += TimeSpan.FromSeconds(1.0 / stream.Pace.Rate))
                SendRtp(packet[..stream.Write(packet)]);
        }

        if (Call.Now < _nextReport)
            return;

        _nextReport = Call.Now + TimeSpan.FromSeconds(1);
        _ntp = (ulong)(Call.Now.TotalSeconds * (1L << 32));
        foreach (var stream in Streams)
        {
            var writer = new RtcpWriter(packet);
            writer.AddSenderReport(stream.Ssrc, new(_ntp, stream.Timestamp, stream.Sent.Packets, stream.Sent.Octets), []);
            writer.AddSdes(stream.Ssrc, "device");
            SendRtcp(packet[..writer.Length]);
        }
    }

    protected override void ReceiveRtp(ReadOnlySpan<byte> packet, long sentAt) => Assert.Fail("A publisher receives nothing.");

    protected override void ReceiveRtcp(ReadOnlySpan<byte> packet)
    {
        var reader = new RtcpReader(packet);
        while (reader.TryNext(out var part))
        {
            var ssrc = part.MediaSsrc;
            if (Streams.FirstOrDefault(stream => stream.Ssrc == ssrc) is not { } stream)
                continue;

            if (part.IsPli)
            {
                stream.WantsKeyFrame = true;
                Asked = (Asked.Pli + 1, Asked.Nack);
            }

            foreach (var lost in part.Nack)
            {
                Asked = (Asked.Pli, Asked.Nack + 1);
                if (stream.Find(lost) is { } kept)
                    SendRtp(kept);
            }
        }
    }
}
