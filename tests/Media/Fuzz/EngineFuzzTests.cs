using System.Net;
using Sessions.Media;
using Sessions.Media.Ice;
using Sessions.Media.Rtp;
using Sessions.Media.Stun;
using Sessions.Tests.Media.Ice;
using Sessions.Tests.Media.Network;

namespace Sessions.Tests.Media.Fuzz;

/// <summary>
/// Datagrams from unknown addresses, from arbitrary devices and from spoofed addresses. Only authentic datagrams get a response, are
/// stored, or change a call. Set SESSIONS_FUZZ_FACTOR for more iterations, see <see cref="Mutation"/>.
/// </summary>
public sealed class EngineFuzzTests
{
    private readonly Mutation _mutation = new();
    private readonly Outbox _outbox = new();

    [Fact]
    public void Mutated_datagrams_from_strangers_get_no_response()
    {
        using var call = Connect(out var publisher, out var subscriber);
        var recorded = Recorded(publisher);
        var flow = new TestFlow(new(IPAddress.Parse("203.0.113.1"), 9));

        for (var i = 0; i < Mutation.Times(300_000); i++)
        {
            var datagram = _mutation.Of(recorded[i % recorded.Length]);
            if (IsAuthentic(datagram, publisher, recorded))
                continue;

            call.Engine.IsForPeer(datagram);
            call.Engine.Receive(datagram, flow, call.Now, _outbox);
            Assert.Equal(0, _outbox.Count);
        }

        Assert.Null(flow.Owner);
        Assert.Equal(2, call.Engine.PeerCount);
        AssertMediaFlows(call, publisher, subscriber);
    }

    [Fact]
    public void Mutated_datagrams_from_a_devices_address_change_nothing()
    {
        using var call = Connect(out var publisher, out var subscriber);
        var recorded = Recorded(publisher);
        SimulatedDevice[] devices = [publisher, subscriber];

        for (var i = 0; i < Mutation.Times(300_000); i++)
        {
            var datagram = _mutation.Of(recorded[i % recorded.Length]);
            if (IsAuthentic(datagram, publisher, recorded))
                continue;

            call.Engine.Receive(datagram, devices[i % 2].Flow.AtServer, call.Now, _outbox);
            Assert.Equal(0, _outbox.Count);
        }

        AssertMediaFlows(call, publisher, subscriber);
    }

    [Fact]
    public void Mutated_datagrams_during_the_handshake_get_no_response()
    {
        using var connected = Connect(out var other, out _);
        var recorded = Recorded(other);
        for (var seed = 0; seed < 3; seed++)
        {
            using var call = new SimulatedCall(seed);
            var publisher = call.AddPublisher("a");
            var subscriber = call.AddSubscriber();
            publisher.Negotiate();
            subscriber.Subscribe(publisher);
            subscriber.Negotiate();
            SimulatedDevice[] devices = [publisher, subscriber];

            // The devices' checks have succeeded, and their handshakes have begun.
            call.RunUntil(() => Array.TrueForAll(devices, device => device.Flow.AtServer.Owner is not null), 5);
            foreach (var device in devices)
                device.Peer.WaitForHandshake();
            for (var i = 0; i < Mutation.Times(10_000); i++)
            {
                var device = devices[i % 2];
                var datagram = _mutation.Of(recorded[i % recorded.Length]);
                if (IsAuthentic(datagram, other, recorded))
                    continue;

                var isHandshake = PacketKind.Of(datagram) == PacketKind.Dtls;
                if (isHandshake && IsWellFormedHandshake(datagram))
                    continue;

                call.Engine.Receive(datagram, device.Flow.AtServer, call.Now, _outbox);
                if (isHandshake)
                    device.Peer.WaitForHandshake();
            }

            foreach (var device in devices)
                MediaEngine.Advance(device.Peer, call.Now, _outbox);
            Assert.Equal(0, _outbox.Count);
            AssertMediaFlows(call, publisher, subscriber);
        }
    }

    [Fact]
    public void Mutated_handshakes_end_without_an_exception_and_leave_no_peer()
    {
        using var connected = Connect(out var other, out _);
        var handshake = Recorded(other).Where(datagram => PacketKind.Of(datagram) == PacketKind.Dtls).ToArray();
        for (var round = 0; round < Mutation.Times(30); round++)
        {
            using var call = new SimulatedCall(round);
            var publisher = call.AddPublisher("a");
            publisher.Negotiate();
            call.RunUntil(() => publisher.Flow.AtServer.Owner is not null, 5);
            for (var i = 0; i < 30; i++)
            {
                call.Engine.Receive(_mutation.Of(handshake[_mutation.Random.Next(handshake.Length)]), publisher.Flow.AtServer, call.Now, _outbox);
                publisher.Peer.WaitForHandshake();
            }

            _outbox.Clear();
            call.Remove(publisher);
            Assert.Equal(0, call.Engine.PeerCount);
        }
    }

    [Fact]
    public void Authenticated_packets_with_any_content_are_handled()
    {
        using var call = Connect(out var publisher, out var subscriber);
        byte[] rtp = new byte[200], rtcp = new byte[200];
        publisher.Video.Write(new byte[1400]);
        RtpHeader.Write(rtp, false, 96, 1, 1, publisher.Video.Ssrc);
        var writer = new RtcpWriter(rtcp);
        writer.AddSenderReport(publisher.Video.Ssrc, new(1, 2, 3, 4), []);
        writer.AddReceiverReport(1, [.. subscriber.Streams.Select(stream => new ReportBlock(stream.Ssrc, 1, 2, 3, 4, 5, 6))]);
        foreach (var stream in subscriber.Streams)
        {
            writer.AddNack(1, stream.Ssrc, [1, 2, 3]);
            writer.AddPli(1, stream.Ssrc);
            writer.AddFir(1, stream.Ssrc, 1);
        }

        writer.AddRemb(1, 1_000_000, []);
        rtcp = rtcp[..writer.Length];
        var room = new byte[2100];
        for (var i = 0; i < Mutation.Times(100_000); i++)
        {
            SimulatedDevice device = i % 2 == 0 ? publisher : subscriber;
            var isRtcp = i % 3 == 0;
            var plain = _mutation.Of(isRtcp ? rtcp : rtp);
            var length = isRtcp ? device.Sender.ProtectRtcp(plain, room) : device.Sender.ProtectRtp(plain, room);
            call.Engine.Receive(room.AsSpan(0, length), device.Flow.AtServer, call.Now, _outbox);
            for (var sent = 0; sent < _outbox.Count; sent++)
                Assert.NotNull(_outbox[sent].Flow.Owner);
            Assert.InRange(_outbox.Count, 0, 100);
            _outbox.Clear();
        }

        Assert.Equal(2, call.Engine.PeerCount);
    }

    [Fact]
    public void Mutated_TCP_streams_are_split_into_datagrams_or_broken_off()
    {
        var recorded = Encoding();
        for (var i = 0; i < Mutation.Times(30_000); i++)
        {
            var stream = _mutation.Of(recorded);
            var framing = new StreamFraming(1500);
            while (stream.Length > 0 && !framing.IsBroken)
            {
                var room = framing.Room.Span;
                var part = Math.Min(Math.Min(stream.Length, room.Length), _mutation.Random.Next(1, 700));
                stream.AsSpan(0, part).CopyTo(room);
                framing.Commit(part);
                stream = stream[part..];
                while (framing.TryRead(out var datagram))
                    Assert.InRange(datagram.Length, 1, 1500);
            }
        }

        static byte[] Encoding()
        {
            var frames = new byte[1200];
            var length = 0;
            foreach (var size in new[] { 20, 0, 500, 1, 300, 200 })
                length += StreamFraming.Write(new byte[size], frames.AsSpan(length));
            return frames[..length];
        }
    }

    /// <summary>A call whose datagrams to the server were recorded.</summary>
    private static SimulatedCall Connect(out PublishingDevice publisher, out SubscribingDevice subscriber)
    {
        var call = new SimulatedCall(1) { IsRecording = true };
        var (a, b) = (publisher, subscriber) = (call.AddPublisher("a"), call.AddSubscriber());
        a.Negotiate();
        b.Subscribe(a);
        b.Negotiate();
        call.RunUntil(() => b.ReceivedOf(a.Audio) > 100 && b.ReceivedOf(a.Video) > 100, 10);
        call.IsRecording = false;
        return call;
    }

    /// <summary>Some datagrams of each kind.</summary>
    private static byte[][] Recorded(SimulatedDevice device)
        => [.. device.Recorded.GroupBy(datagram => PacketKind.Of(datagram)).SelectMany(kind => kind.Take(20))];

    /// <summary>Whether a mutated datagram is still authentic. Only the message's own authentication can decide that.</summary>
    private static bool IsAuthentic(byte[] datagram, SimulatedDevice device, byte[][] recorded)
    {
        if (Array.Exists(recorded, seed => seed.AsSpan().SequenceEqual(datagram)))
            return true;

        // MESSAGE-INTEGRITY does not cover the attributes after it, and FINGERPRINT is not secret.
        return PacketKind.Of(datagram) == PacketKind.Stun && StunMessage.TryParse(datagram, out var message)
            && message.VerifyIntegrity(System.Text.Encoding.ASCII.GetBytes(device.Server!.Password));
    }

    /// <summary>
    /// Whether a datagram is a record with a handshake message. It begins a handshake or breaks it, because DTLS cannot authenticate it
    /// before there are keys.
    /// </summary>
    private static bool IsWellFormedHandshake(byte[] datagram)
        => datagram.Length > 13 && datagram[3] == 0 && datagram[4] == 0 && datagram[0] is 20 or 21 or 22
            && (datagram[11] << 8) + datagram[12] <= datagram.Length - 13;

    private static void AssertMediaFlows(SimulatedCall call, PublishingDevice publisher, SubscribingDevice subscriber)
    {
        var before = (Audio: subscriber.ReceivedOf(publisher.Audio), Video: subscriber.ReceivedOf(publisher.Video));
        call.RunUntil(
            () => subscriber.ReceivedOf(publisher.Audio) > before.Audio + 20 && subscriber.ReceivedOf(publisher.Video) > before.Video + 20, 20);
    }
}
