using Sessions.Media.Forwarding;

namespace Sessions.Tests.Media.Forwarding;

public class PacketCacheTests
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(20);

    private readonly PacketCache _cache = new();

    [Fact]
    public void Packets_of_the_last_second_are_kept_while_the_cache_grows()
    {
        const int Packets = 300;

        for (var number = 0; number < Packets; number++)
        {
            _cache.Add(number, Packet(number), number * Interval);
            Assert.All(Enumerable.Range(Math.Max(0, number - 50), Math.Min(number, 50) + 1), AssertKept);
        }

        var copy = new byte[1500];
        Assert.False(_cache.TryCopy(Packets - 52, copy, out _));
    }

    [Fact]
    public void The_capacity_is_at_most_1_5_times_the_bytes_of_the_last_second()
    {
        const int BytesPerSecond = 500_000 / 8;
        var interval = TimeSpan.FromSeconds(1100.0 / BytesPerSecond);

        for (var number = 0; number < 1000; number++)
            _cache.Add(number, new byte[1112], number * interval);

        Assert.InRange(_cache.Count, 56, 58);
        Assert.InRange(_cache.Capacity, BytesPerSecond, BytesPerSecond * 3 / 2);
    }

    [Fact]
    public void The_cache_never_exceeds_its_limit()
    {
        for (var number = 0; number < 10_000; number++)
            _cache.Add(number, new byte[1500], TimeSpan.FromMicroseconds(number));

        Assert.Equal(PacketCache.MaxBytes, _cache.Capacity);
        Assert.InRange(_cache.Count, (PacketCache.MaxBytes / 1500) - 3, PacketCache.MaxBytes / 1500);
        Assert.True(_cache.TryCopy(9999, new byte[1500], out _));
    }

    private void AssertKept(int number)
    {
        var copy = new byte[1500];
        Assert.True(_cache.TryCopy(number, copy, out var length));
        Assert.Equal(Packet(number), copy[..length]);
    }

    // With lengths that divide no ring buffer evenly.
    private static byte[] Packet(int number)
    {
        var packet = new byte[100 + (number * 37 % 1300)];
        Array.Fill(packet, (byte)number);
        return packet;
    }
}
