namespace Sessions.Tests.Media.Network;

/// <summary>Calls over networks that lose, delay, duplicate and reorder datagrams.</summary>
public sealed class LossyCallTests
{
    /// <summary>The loss, the duplication, and the minimum and maximum delay in milliseconds.</summary>
    public static TheoryData<int, double, double, int, int> Networks => new()
    {
        { 1, 0, 0, 20, 20 },
        { 2, 0.01, 0.01, 20, 40 },
        { 3, 0.05, 0, 100, 200 },
        { 4, 0.1, 0.05, 20, 120 },
        { 5, 0.2, 0.1, 50, 100 },
        { 6, 0.3, 0.1, 100, 400 },
        { 7, 0, 0.5, 20, 400 },
        { 8, 0.3, 0, 20, 30 },
    };

    [Theory]
    [MemberData(nameof(Networks))]
    public void Media_arrives_once_and_in_order(int seed, double loss, double duplication, int minDelay, int maxDelay)
    {
        using var call = new SimulatedCall(seed) { Conditions = Set };
        var publisher = call.AddPublisher("a");
        var subscriber = call.AddSubscriber();
        publisher.Negotiate();
        call.RunUntil(() => publisher.IsConnected && publisher.Peer.IsConnected, 30);
        subscriber.Subscribe(publisher);
        subscriber.Negotiate();
        call.RunUntil(() => subscriber.ReceivedOf(publisher.Audio) > 0 && subscriber.ReceivedOf(publisher.Video) > 0, 30);

        var before = (publisher.Audio.Count, subscriber.ReceivedOf(publisher.Audio));
        call.Run(30);

        var arrived = (double)(subscriber.ReceivedOf(publisher.Audio) - before.Item2) / (publisher.Audio.Count - before.Count);
        Assert.InRange(arrived, ((1 - loss) * (1 - loss)) - 0.05, 1.02);
        Assert.Equal(0, call.SentToStrangers);
        Assert.False(publisher.Peer.IsDead);
        Assert.False(subscriber.Peer.IsDead);

        void Set(Link link)
            => (link.Loss, link.Duplication, link.MinDelay, link.MaxDelay)
                = (loss, duplication, TimeSpan.FromMilliseconds(minDelay), TimeSpan.FromMilliseconds(maxDelay));
    }
}
