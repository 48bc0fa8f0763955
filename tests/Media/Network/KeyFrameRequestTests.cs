namespace Sessions.Tests.Media.Network;

/// <summary>How soon a new subscriber receives a picture.</summary>
public sealed class KeyFrameRequestTests
{
    [Fact]
    public void Each_new_subscriber_requests_one_key_frame_from_the_publisher()
    {
        using var call = new SimulatedCall();
        var publisher = call.AddPublisher("a");
        publisher.Negotiate();
        call.RunUntil(() => publisher.IsConnected && publisher.Peer.IsConnected, 5);

        for (var subscribers = 1; subscribers < 4; subscribers++)
        {
            var subscriber = call.AddSubscriber();
            subscriber.Subscribe(publisher);
            subscriber.Negotiate();
            call.RunUntil(() => subscriber.ReceivedOf(publisher.Video) > 0, 5);
            call.Run(1);
            Assert.Equal(subscribers, publisher.Asked.Pli);
        }
    }

    [Fact]
    public void A_subscriber_soon_after_another_receives_video_within_0_7_seconds()
    {
        using var call = new SimulatedCall();
        var publisher = call.AddPublisher("a");
        publisher.Negotiate();
        call.RunUntil(() => publisher.IsConnected && publisher.Peer.IsConnected, 5);

        // At different times between two reports, which are a second apart.
        for (var index = 0; index < 8; index++)
        {
            call.Run(0.6);
            ShowTo(call.AddSubscriber());
            Assert.InRange(ShowTo(call.AddSubscriber()).TotalSeconds, 0, 0.7);
        }

        TimeSpan ShowTo(SubscribingDevice subscriber)
        {
            subscriber.Subscribe(publisher);
            subscriber.Negotiate();
            return call.RunUntil(() => subscriber.ReceivedOf(publisher.Video) > 0, 5);
        }
    }
}
