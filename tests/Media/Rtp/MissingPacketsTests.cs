using Sessions.Media.Rtp;

namespace Sessions.Tests.Media.Rtp;

public sealed class MissingPacketsTests
{
    private readonly MissingPackets _missing = new() { RoundTripTime = Milliseconds(50) };

    [Fact]
    public void A_gap_is_requested_after_the_reordering_pause_and_again_after_each_round_trip()
    {
        Receive(0, 1, 4);

        Assert.Equal(Milliseconds(15), _missing.Deadline);
        Assert.Empty(Due(14));
        Assert.Equal([2, 3], Due(15));
        Assert.Empty(Due(16));
        Assert.Equal(Milliseconds(65), _missing.Deadline);
        Assert.Equal([2, 3], Due(65));
    }

    [Fact]
    public void An_arrived_packet_is_not_requested()
    {
        Receive(0, 1, 5);
        Receive(5, 3);
        Receive(6, 3);

        Assert.Equal([2, 4], Due(20));
        Receive(25, 2);
        Assert.Equal([4], Due(100));
        Receive(101, 4);
        Assert.Null(_missing.Deadline);
    }

    [Fact]
    public void A_packet_is_requested_at_most_ten_times()
    {
        _missing.RoundTripTime = Milliseconds(20);
        Receive(0, 1, 3);

        var asked = Enumerable.Range(0, 900).Sum(now => Due(now).Length);

        Assert.Equal(MissingPackets.MaxTries, asked);
        Assert.Equal(0, _missing.Count);
    }

    [Fact]
    public void A_packet_is_no_longer_requested_after_a_second()
    {
        _missing.RoundTripTime = Milliseconds(400);
        Receive(0, 1, 3);

        Assert.Equal(3, Enumerable.Range(0, 1000).Sum(now => Due(now).Length));
        Assert.Empty(Due(1000));
        Assert.Equal(0, _missing.Count);
    }

    [Fact]
    public void A_jump_beyond_the_capacity_clears_all_missing_packets()
    {
        Receive(0, 1, 3, 3 + MissingPackets.Capacity + 2);
        Assert.Null(_missing.Deadline);

        Receive(0, 3 + MissingPackets.Capacity + 4);
        Assert.Equal([3 + MissingPackets.Capacity + 3], Due(20));
    }

    [Fact]
    public void If_too_many_packets_are_missing_the_oldest_are_dropped()
    {
        Receive(0, [.. Enumerable.Range(0, 400).Select(number => 2L * number)]);

        Assert.Equal(MissingPackets.Capacity, _missing.Count);
        Assert.Equal(Enumerable.Range(399 - MissingPackets.Capacity, MissingPackets.Capacity).Select(number => (ushort)((2 * number) + 1)), Due(20));
    }

    [Fact]
    public void Requests_that_do_not_fit_the_buffer_stay_due()
    {
        Receive(0, 1, 5);
        var lost = new ushort[2];

        Assert.Equal(2, _missing.Due(Milliseconds(20), lost));
        Assert.Equal([2, 3], lost);
        Assert.Equal(Milliseconds(15), _missing.Deadline);
        Assert.Equal(1, _missing.Due(Milliseconds(20), lost));
        Assert.Equal(4, lost[0]);
    }

    [Fact]
    public void Requested_numbers_are_reported_modulo_65536()
    {
        Receive(0, 65_535, 65_538);

        Assert.Equal([0, 1], Due(20));
    }

    private static TimeSpan Milliseconds(double milliseconds) => TimeSpan.FromMilliseconds(milliseconds);

    private void Receive(double now, params long[] numbers)
    {
        foreach (var number in numbers)
            _missing.Receive(number, Milliseconds(now));
    }

    private ushort[] Due(double now)
    {
        var lost = new ushort[MissingPackets.Capacity];
        return lost[.._missing.Due(Milliseconds(now), lost)];
    }
}
