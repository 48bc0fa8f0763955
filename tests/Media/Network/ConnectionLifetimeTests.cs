using Sessions.Media;
using Sessions.Media.Dtls;

namespace Sessions.Tests.Media.Network;

/// <summary>Addresses that change, connections that restart, and connections that end.</summary>
public sealed class ConnectionLifetimeTests
{
    [Fact]
    public void Media_continues_at_another_address()
    {
        using var call = Connect(1, out var publisher, out var subscriber);

        publisher.AddFlow();
        AssertMediaWithin(5, call, publisher, subscriber);
        subscriber.AddFlow();
        AssertMediaWithin(5, call, publisher, subscriber);
    }

    [Fact]
    public void Media_continues_after_ICE_restarts_of_either_end()
    {
        using var call = Connect(2, out var publisher, out var subscriber);
        for (var restart = 0; restart < 5; restart++)
        {
            publisher.RestartIce();
            publisher.Negotiate();
            subscriber.RestartIce();
            subscriber.Negotiate(iceRestart: true);
            AssertMediaWithin(3, call, publisher, subscriber);
        }

        Assert.Equal(2, call.Engine.PeerCount);
        Assert.Equal(0, call.SentToStrangers);
    }

    [Fact]
    public void A_device_with_a_new_certificate_gets_a_new_connection()
    {
        using var call = Connect(3, out var publisher, out var subscriber);

        publisher.Renew();
        publisher.Negotiate();
        AssertMediaWithin(5, call, publisher, subscriber);
        subscriber.Renew();
        subscriber.Negotiate(iceRestart: true);
        AssertMediaWithin(5, call, publisher, subscriber);
        Assert.Equal(2, call.Engine.PeerCount);
    }

    [Fact]
    public void A_publisher_with_a_new_certificate_and_older_sequence_numbers_is_received_in_order()
    {
        using var call = Connect(4, out var publisher, out var subscriber);
        for (var renewal = 0; renewal < 3; renewal++)
        {
            publisher.Renew();
            foreach (var stream in publisher.Streams)
                stream.ChangeSsrc(stream.Ssrc, (ushort)(stream.SequenceNumber - 50), stream.Timestamp - 100_000);
            publisher.Negotiate();
            AssertMediaWithin(5, call, publisher, subscriber);
        }

        Assert.Equal(0, subscriber.Refused);
    }

    [Fact]
    public void Media_continues_after_the_clock_jumps()
    {
        using var call = Connect(5, out var publisher, out var subscriber);
        foreach (var seconds in new[] { 1, 10, 29, 31, 600, 36_000 })
        {
            subscriber.ChecksTimestamps = seconds < 10_000;
            call.Network.Jump(TimeSpan.FromSeconds(seconds));
            AssertMediaWithin(8, call, publisher, subscriber);
        }
    }

    [Fact]
    public void A_disconnected_device_is_dead_after_30_seconds_and_leaves_no_state_behind()
    {
        using var call = Connect(6, out var publisher, out var subscriber);
        SimulatedDevice[] devices = [publisher, subscriber];
        foreach (var device in devices)
            device.Flow.Up.IsBlocked = device.Flow.Down.IsBlocked = true;

        call.Run(23);
        Assert.DoesNotContain(devices, device => device.Peer.IsDead);
        call.Run(8);
        Assert.All(devices, device => Assert.True(device.Peer.IsDead));

        var sources = publisher.Sources.ToArray();
        foreach (var device in devices)
            call.Remove(device);
        Assert.Equal(0, call.Engine.PeerCount);
        Assert.All(sources, source => Assert.Equal(0, source.Subscribers.Length));
        Assert.All(devices, device => Assert.Null(device.Flow.AtServer.Owner));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_device_that_never_connects_is_dead_after_30_seconds(bool hasAnswered)
    {
        using var call = new SimulatedCall(7) { Conditions = link => link.IsBlocked = true };
        var publisher = call.AddPublisher("a");
        if (hasAnswered)
            publisher.Negotiate();
        call.Run(29.5);
        Assert.False(publisher.Peer.IsDead);
        call.Run(1);
        Assert.True(publisher.Peer.IsDead);
    }

    [Fact]
    public void A_device_with_a_mismatched_certificate_gets_no_media_and_is_dead_after_30_seconds()
    {
        using var call = new SimulatedCall(10);
        var (publisher, honest) = (call.AddPublisher("a"), call.AddSubscriber());
        var (forgedPublisher, forgedSubscriber) = (call.AddPublisher("b"), call.AddSubscriber());
        forgedPublisher.DescribedCertificate = forgedSubscriber.DescribedCertificate = DtlsCertificate.Create();
        publisher.Negotiate();
        forgedPublisher.Negotiate();
        foreach (var subscriber in new[] { honest, forgedSubscriber })
        {
            subscriber.Subscribe(publisher, forgedPublisher);
            subscriber.Negotiate();
        }

        call.RunUntil(() => honest.ReceivedOf(publisher.Audio) > 0, 10);
        call.Run(20);
        Assert.All(new SimulatedDevice[] { forgedPublisher, forgedSubscriber }, device => Assert.False(device.Peer.IsConnected));
        call.Run(15);

        Assert.True(forgedPublisher.Peer.IsDead && forgedSubscriber.Peer.IsDead);
        Assert.False(publisher.Peer.IsDead || honest.Peer.IsDead);
        Assert.True(honest.ReceivedOf(publisher.Video) > 0);
        Assert.Equal(0, honest.ReceivedOf(forgedPublisher.Audio) + honest.ReceivedOf(forgedPublisher.Video));
        Assert.Empty(forgedSubscriber.Streams);
    }

    [Fact]
    public void No_state_accumulates_while_devices_join_and_leave()
    {
        using var call = new SimulatedCall(8);
        var stays = call.AddPublisher("stays");
        stays.Negotiate();
        for (var visit = 0; visit < 15; visit++)
        {
            var publisher = call.AddPublisher($"p{visit}");
            var subscriber = call.AddSubscriber();
            publisher.Negotiate();
            subscriber.Subscribe(stays, publisher);
            subscriber.Negotiate();
            call.Run(1);
            Assert.True(subscriber.ReceivedOf(stays.Audio) > 0);
            call.Remove(publisher);
            call.Remove(subscriber);
            Assert.Equal(1, call.Engine.PeerCount);
            Assert.All(stays.Sources, source => Assert.Equal(0, source.Subscribers.Length));
        }
    }

    [Fact]
    public void A_description_that_arrives_after_disposal_starts_nothing()
    {
        using var call = Connect(9, out var publisher, out var subscriber);
        var peer = (PublishingPeer)publisher.Peer;
        var subscribing = (SubscribingPeer)subscriber.Peer;
        var sources = publisher.Sources;
        var offer = subscribing.CreateOffer(iceRestart: false);
        peer.Dispose();
        subscribing.Dispose();

        Assert.NotNull(peer.Answer(DeviceDescription.Offer(publisher, "a", publisher.Streams), new(true, true), 10).Error);
        Assert.NotNull(subscribing.Answer(DeviceDescription.Answer(subscriber, offer)));
        subscribing.CreateOffer(iceRestart: true);
        Assert.False(subscribing.SetSources(sources));
        Assert.Equal(0, call.Engine.PeerCount);
        Assert.All(sources, source => Assert.Equal(0, source.Subscribers.Length));
    }

    private static SimulatedCall Connect(int seed, out PublishingDevice publisher, out SubscribingDevice subscriber)
    {
        var call = new SimulatedCall(seed);
        var (a, b) = (publisher, subscriber) = (call.AddPublisher("a"), call.AddSubscriber());
        a.Negotiate();
        b.Subscribe(a);
        b.Negotiate();
        call.RunUntil(() => b.ReceivedOf(a.Audio) > 0 && b.ReceivedOf(a.Video) > 0, 10);
        return call;
    }

    private static void AssertMediaWithin(double seconds, SimulatedCall call, PublishingDevice publisher, SubscribingDevice subscriber)
    {
        // Packets sent earlier do not count.
        call.Run(0.2);
        var before = (Audio: subscriber.ReceivedOf(publisher.Audio), Video: subscriber.ReceivedOf(publisher.Video));
        call.RunUntil(() => subscriber.ReceivedOf(publisher.Audio) > before.Audio && subscriber.ReceivedOf(publisher.Video) > before.Video, seconds);
        call.Run(1);
    }
}
