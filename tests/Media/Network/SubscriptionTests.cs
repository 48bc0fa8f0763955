namespace Sessions.Tests.Media.Network;

/// <summary>The packets that a subscriber receives while subscriptions, tracks and connections change.</summary>
public sealed class SubscriptionTests
{
    [Fact]
    public void Another_publisher_continues_the_sequence_numbers_of_a_section_without_a_gap()
    {
        using var call = new SimulatedCall(1);
        var (first, second) = (call.AddPublisher("a"), call.AddPublisher("b"));
        var subscriber = call.AddSubscriber();
        first.Negotiate();
        second.Negotiate();
        call.Run(3);
        subscriber.Subscribe(first);
        subscriber.Negotiate();
        call.Run(5);

        subscriber.Subscribe(second);
        var before = (subscriber.ReceivedOf(first.Audio), subscriber.ReceivedOf(first.Video));
        subscriber.Negotiate();
        call.Run(5);

        Assert.InRange(subscriber.ReceivedOf(first.Audio) - before.Item1, 0, 5);
        Assert.InRange(subscriber.ReceivedOf(first.Video) - before.Item2, 0, 10);
        Assert.InRange(subscriber.ReceivedOf(second.Audio), 200, 260);
        Assert.InRange(subscriber.ReceivedOf(second.Video), 400, 520);
        Assert.Equal(2, subscriber.Streams.Count());
        Assert.All(subscriber.Streams, stream => Assert.Equal(stream.Expected, stream.Received.Values.Sum()));
    }

    [Fact]
    public void Sender_reports_use_the_RTP_clock_of_the_sent_packets()
    {
        using var call = new SimulatedCall(2);
        var (first, second) = (call.AddPublisher("a"), call.AddPublisher("b"));
        var subscriber = call.AddSubscriber();
        first.Negotiate();
        second.Negotiate();
        call.Run(3);
        foreach (var publisher in new[] { first, second, first })
        {
            subscriber.Subscribe(publisher);
            subscriber.Negotiate();
            call.Run(5);
        }

        Assert.NotEmpty(subscriber.SenderReports);
        foreach (var reports in subscriber.SenderReports.GroupBy(report => report.Ssrc))
        {
            var rate = subscriber.Streams.Single(stream => stream.Ssrc == reports.Key).IsVideo ? 90_000 : 48_000;
            foreach (var (one, next) in reports.Select(report => report.Info).Zip(reports.Select(report => report.Info).Skip(1)))
            {
                var seconds = (next.NtpTime - one.NtpTime) / (double)(1L << 32);
                Assert.Equal(seconds, (next.RtpTimestamp - one.RtpTimestamp) / (double)rate, 0.2);
            }
        }
    }

    [Fact]
    public void A_publisher_that_changes_its_SSRC_is_received_without_older_packets()
    {
        using var call = new SimulatedCall(3)
        {
            Conditions = link => (link.Loss, link.MinDelay, link.MaxDelay) = (0.05, TimeSpan.FromMilliseconds(20), TimeSpan.FromMilliseconds(120)),
        };
        var publisher = call.AddPublisher("a");
        foreach (var stream in publisher.Streams)
            stream.Ssrcs.AddRange(Enumerable.Range(1, 20).Select(number => stream.Ssrc + (uint)number));
        var subscriber = call.AddSubscriber();
        publisher.Negotiate();
        subscriber.Subscribe(publisher);
        subscriber.Negotiate();
        call.RunUntil(() => subscriber.ReceivedOf(publisher.Video) > 100, 20);

        for (var change = 0; change < 20; change++)
        {
            // The sequence numbers equal those of recent packets, which must not be confused with the new ones.
            foreach (var stream in publisher.Streams)
                stream.ChangeSsrc(stream.Ssrcs[change + 1], (ushort)(stream.SequenceNumber - 20), stream.Timestamp - 100_000);
            call.Run(1);
        }

        Assert.InRange(subscriber.ReceivedOf(publisher.Audio), 700, 2000);
        Assert.InRange(subscriber.ReceivedOf(publisher.Video), 1400, 4000);
    }

    [Fact]
    public void Jumps_in_sequence_numbers_never_repeat_a_used_number()
    {
        using var call = new SimulatedCall(4);
        var publisher = call.AddPublisher("a");
        var subscriber = call.AddSubscriber();
        publisher.Negotiate();
        subscriber.Subscribe(publisher);
        subscriber.Negotiate();
        call.Run(5);
        foreach (var jump in new[] { 1, 300, 10_000, 16_384, 20_000, 32_766, 32_766, 32_766, 32_766, 30_000 })
        {
            foreach (var stream in publisher.Streams)
                stream.SequenceNumber = (ushort)(stream.SequenceNumber + jump);
            call.Run(1);
        }

        var before = subscriber.ReceivedOf(publisher.Audio);
        call.Run(2);
        Assert.InRange(subscriber.ReceivedOf(publisher.Audio) - before, 95, 105);
        Assert.Equal(0, subscriber.Refused);
    }

    [Theory]
    [InlineData(11, 0)]
    [InlineData(12, 0.02)]
    [InlineData(13, 0.1)]
    [InlineData(14, 0.2)]
    public void Media_recovers_after_random_changes(int seed, double loss)
    {
        using var call = new SimulatedCall(seed);
        var random = call.Network.Random;
        PublishingDevice[] publishers = [.. Enumerable.Range(0, 3).Select(number => call.AddPublisher($"p{number}"))];
        SubscribingDevice[] subscribers = [.. Enumerable.Range(0, 3).Select(_ => call.AddSubscriber())];
        foreach (var publisher in publishers)
        {
            foreach (var stream in publisher.Streams)
                stream.Ssrcs.AddRange(Enumerable.Range(1, 100).Select(number => stream.Ssrc + (uint)number));
            publisher.Negotiate();
        }

        foreach (var subscriber in subscribers)
        {
            subscriber.Subscribe(publishers);
            subscriber.Negotiate();
        }

        SimulatedDevice[] devices = [.. publishers, .. subscribers];
        call.RunUntil(() => Array.TrueForAll(devices, device => device.IsConnected && device.Peer.IsConnected), 10);
        call.Conditions = LoseAndReorder;
        foreach (var link in devices.SelectMany(device => new[] { device.Flow.Up, device.Flow.Down }))
            LoseAndReorder(link);

        for (var change = 0; change < 60; change++)
        {
            Change(random.Next(8), publishers[random.Next(3)], subscribers[random.Next(3)], publishers, random);
            call.Run(random.NextDouble());
        }

        foreach (var publisher in publishers)
            publisher.IsMute = false;
        foreach (var subscriber in subscribers)
        {
            subscriber.Subscribe(publishers);
            subscriber.Negotiate();
        }

        call.Run(10);
        foreach (var (publisher, subscriber) in publishers.SelectMany(publisher => subscribers.Select(subscriber => (publisher, subscriber))))
        {
            var before = (subscriber.ReceivedOf(publisher.Audio), subscriber.ReceivedOf(publisher.Video));
            call.RunUntil(() => subscriber.ReceivedOf(publisher.Audio) > before.Item1, 40);
            if (loss < 0.1)
                call.RunUntil(() => subscriber.ReceivedOf(publisher.Video) > before.Item2, 70);
        }

        Assert.Equal(0, call.SentToStrangers);

        void LoseAndReorder(Link link)
            => (link.Loss, link.Duplication, link.MinDelay, link.MaxDelay)
                = (loss, loss / 2, TimeSpan.FromMilliseconds(20), TimeSpan.FromMilliseconds(20 + (400 * loss)));
    }

    private static void Change(
        int kind, PublishingDevice publisher, SubscribingDevice subscriber, PublishingDevice[] publishers, Random random)
    {
        switch (kind)
        {
            case 0:
            case 1:
            case 2:
                subscriber.Subscribe([.. publishers.Where(_ => random.Next(2) == 0)]);
                subscriber.Negotiate();
                break;
            case 3:
                var stream = publisher.Streams[random.Next(2)];
                stream.ChangeSsrc(
                    stream.Ssrcs[stream.Ssrcs.IndexOf(stream.Ssrc) + 1],
                    PublishedStream.FirstSequenceNumber(random),
                    (uint)random.NextInt64(uint.MaxValue));
                break;
            case 4:
                publisher.RestartIce();
                publisher.Negotiate();
                break;
            case 5:
                (random.Next(2) == 0 ? publisher : (SimulatedDevice)subscriber).AddFlow();
                break;
            case 6:
                subscriber.RestartIce();
                subscriber.Negotiate(iceRestart: true);
                break;
            default:
                publisher.IsMute = !publisher.IsMute;
                break;
        }
    }
}
