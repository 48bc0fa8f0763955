using Sessions.Media.Forwarding;

namespace Sessions.Tests.Media.Forwarding;

/// <summary>The numbers of an outgoing stream when packets are late and the stream is interrupted.</summary>
public sealed class SequenceMapTests
{
    private SequenceMap _map = new(90_000, firstSequenceNumber: 1000, firstTimestamp: 0);

    [Fact]
    public void A_packet_not_newer_than_the_last_one_is_behind()
    {
        Assert.False(_map.IsBehind(5));
        _map.Resume(10, 0, TimeSpan.Zero);
        Assert.False(_map.IsBehind(10));
        Assert.True(_map.TryMap(10, 0, TimeSpan.Zero, out var first, out _));
        Assert.True(_map.TryMap(12, 3000, TimeSpan.FromMilliseconds(40), out var third, out _));

        Assert.Equal((1000, 1002), (first, third));
        Assert.True(_map.IsBehind(11));
        Assert.True(_map.IsBehind(12));
        Assert.False(_map.IsBehind(13));
    }

    [Fact]
    public void A_resumed_stream_continues_after_the_last_packet()
    {
        _map.Resume(10, 0, TimeSpan.Zero);
        _map.TryMap(10, 0, TimeSpan.Zero, out _, out _);

        _map.Resume(500, 900_000, TimeSpan.FromSeconds(1));

        Assert.True(_map.TryMap(500, 900_000, TimeSpan.FromSeconds(1), out var next, out var timestamp));
        Assert.Equal((1001, 90_000u), (next, timestamp));
        Assert.False(_map.TryMap(499, 897_000, TimeSpan.FromSeconds(1), out _, out _));
    }
}
