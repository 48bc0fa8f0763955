namespace Sessions.Tests.Media.Network;

/// <summary>Long calls, in which numbers and timestamps wrap and memory use does not grow.</summary>
public sealed class LongCallTests
{
    [Fact]
    public void Sequence_numbers_and_timestamps_wrap_around_without_loss()
    {
        using var call = new SimulatedCall(1) { Conditions = link => link.Loss = 0.01 };
        var publisher = call.AddPublisher("a");
        publisher.Video.Pace = (1000, PublishedStream.MinPayload);
        foreach (var stream in publisher.Streams)
            (stream.SequenceNumber, stream.Timestamp) = (ushort.MaxValue - 100, uint.MaxValue - 1000);
        var subscriber = call.AddSubscriber();
        publisher.Negotiate();
        subscriber.Subscribe(publisher);
        subscriber.Negotiate();
        call.RunUntil(() => subscriber.ReceivedOf(publisher.Video) > 0, 10);

        call.Run(140);

        Assert.InRange(publisher.Video.Count, 2 * 65_536, long.MaxValue);
        Assert.InRange(subscriber.ReceivedOf(publisher.Video), 0.95 * publisher.Video.Count, publisher.Video.Count);
        Assert.InRange(subscriber.ReceivedOf(publisher.Audio), 0.95 * publisher.Audio.Count, publisher.Audio.Count);

        // A lost packet that both ends request arrives twice.
        Assert.InRange(subscriber.Refused, 0, 0.03 * publisher.Video.Count);
    }

    [Fact]
    public void An_hour_of_audio_arrives()
    {
        using var call = new SimulatedCall(2);
        var publisher = call.AddPublisher("a", hasVideo: false);
        publisher.Audio.Pace = (20, 40);
        publisher.Audio.Timestamp = uint.MaxValue - 100;
        var subscriber = call.AddSubscriber();
        publisher.Negotiate();
        subscriber.Subscribe(publisher);
        subscriber.Negotiate();
        call.RunUntil(() => subscriber.ReceivedOf(publisher.Audio) > 0, 10);

        var before = (publisher.Audio.Count, subscriber.ReceivedOf(publisher.Audio));
        call.Run(3600);

        Assert.InRange(subscriber.ReceivedOf(publisher.Audio) - before.Item2, publisher.Audio.Count - before.Count - 5, publisher.Audio.Count);
        Assert.False(publisher.Peer.IsDead);
        Assert.False(subscriber.Peer.IsDead);
    }

    [Fact]
    public void Forwarding_allocates_nothing()
    {
        using var call = new SimulatedCall(3) { Conditions = link => link.Loss = 0.02 };
        PublishingDevice[] publishers = [call.AddPublisher("a"), call.AddPublisher("b")];
        SubscribingDevice[] subscribers = [call.AddSubscriber(), call.AddSubscriber(), call.AddSubscriber()];
        foreach (var publisher in publishers)
            publisher.Negotiate();
        foreach (var subscriber in subscribers)
        {
            subscriber.Subscribe(publishers);
            subscriber.Negotiate();
        }

        // Until caches and buffers have reached their size, and methods are compiled.
        call.Run(15);
        var (allocated, sent) = (call.Allocated, call.Sent);
        call.Run(10);

        Assert.InRange(call.Sent - sent, 8_000, long.MaxValue);
        Assert.Equal(0, call.Allocated - allocated);
    }
}
