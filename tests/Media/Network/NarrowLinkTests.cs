namespace Sessions.Tests.Media.Network;

/// <summary>A subscriber whose link is too narrow for all streams.</summary>
public sealed class NarrowLinkTests
{
    private const long Narrow = 150_000;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Audio_survives_on_a_link_too_narrow_for_video_and_video_resumes_later(bool hasLimit)
    {
        using var call = new SimulatedCall(1);
        var publisher = call.AddPublisher("a");
        var (narrow, wide) = (call.AddSubscriber(), call.AddSubscriber());
        publisher.Negotiate();
        foreach (var subscriber in new[] { narrow, wide })
        {
            subscriber.Subscribe(publisher);
            subscriber.Negotiate();
        }

        call.RunUntil(() => narrow.ReceivedOf(publisher.Video) > 500, 20);
        var wideBefore = (wide.ReceivedOf(publisher.Video), publisher.Video.Count);
        narrow.Flow.Down.BitRate = Narrow;
        narrow.Limit = hasLimit ? Narrow : null;
        call.Run(4);

        // Each further try costs some audio, and tries become less frequent.
        var (sent, received) = (publisher.Audio.Count, narrow.ReceivedOf(publisher.Audio));
        call.Run(180);
        var loss = 1 - ((narrow.ReceivedOf(publisher.Audio) - received) / (double)(publisher.Audio.Count - sent));
        Assert.InRange(loss, -0.01, 0.15);

        // Between two tries no packets are lost and no video is sent.
        var quiet = narrow.ReceivedOf(publisher.Video);
        call.RunUntil(
            () =>
            {
                var before = narrow.ReceivedOf(publisher.Video);
                call.Run(2);
                return narrow.ReceivedOf(publisher.Video) == before;
            },
            90);
        (sent, received, quiet) = (publisher.Audio.Count, narrow.ReceivedOf(publisher.Audio), narrow.ReceivedOf(publisher.Video));
        call.Run(2);
        if (narrow.ReceivedOf(publisher.Video) == quiet)
            Assert.InRange(narrow.ReceivedOf(publisher.Audio) - received, publisher.Audio.Count - sent - 2, publisher.Audio.Count - sent + 2);

        narrow.Flow.Down.BitRate = null;
        narrow.Limit = hasLimit ? 5_000_000 : null;
        var keyFrames = narrow.Streams.Single(stream => stream.IsVideo).KeyFrames;
        var video = narrow.ReceivedOf(publisher.Video);
        call.RunUntil(() => narrow.ReceivedOf(publisher.Video) > video + 500, 75);
        Assert.True(narrow.Streams.Single(stream => stream.IsVideo).KeyFrames > keyFrames);

        // A slow subscriber does not affect others.
        Assert.InRange(wide.ReceivedOf(publisher.Video) - wideBefore.Item1, publisher.Video.Count - wideBefore.Count - 10, publisher.Video.Count);
    }

    [Fact]
    public void Packet_loss_of_one_publisher_does_not_reduce_the_video_of_another()
    {
        using var call = new SimulatedCall(2);
        var (bad, good) = (call.AddPublisher("bad"), call.AddPublisher("good"));
        var subscriber = call.AddSubscriber();
        bad.Negotiate();
        good.Negotiate();
        subscriber.Subscribe(bad, good);
        subscriber.Negotiate();
        call.RunUntil(() => subscriber.ReceivedOf(good.Video) > 100 && subscriber.ReceivedOf(bad.Video) > 100, 20);
        bad.Flow.Up.Loss = 0.3;

        var (sent, received) = (good.Video.Count, subscriber.ReceivedOf(good.Video));
        call.Run(60);
        Assert.InRange(subscriber.ReceivedOf(good.Video) - received, 0.95 * (good.Video.Count - sent), good.Video.Count - sent + 10);
    }
}
