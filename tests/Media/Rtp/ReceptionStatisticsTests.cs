using Sessions.Media.Rtp;

namespace Sessions.Tests.Media.Rtp;

public sealed class ReceptionStatisticsTests
{
    private readonly ReceptionStatistics _statistics = new(8000);

    [Fact]
    public void Losses_are_reported_as_a_fraction_of_the_last_interval_and_as_a_total()
    {
        Receive(Enumerable.Range(0, 100).Where(number => number % 4 != 1));
        var first = _statistics.Report(7, default);
        Receive(Enumerable.Range(100, 100));
        var second = _statistics.Report(7, default);

        Assert.Equal((7U, (byte)64, 25, 99U), (first.Ssrc, first.FractionLost, first.CumulativeLost, first.HighestSequence));
        Assert.Equal(((byte)0, 25, 199U), (second.FractionLost, second.CumulativeLost, second.HighestSequence));
    }

    [Fact]
    public void Wraparounds_are_counted_and_a_late_packet_is_not_one()
    {
        Receive([65_534, 65_535, 65_537, 65_536, 65_538]);

        var report = _statistics.Report(7, default);
        Assert.Equal((0x0001_0002U, 0), (report.HighestSequence, report.CumulativeLost));
    }

    [Fact]
    public void Duplicates_make_the_total_loss_negative()
    {
        Receive([1, 2, 2, 2]);

        var report = _statistics.Report(7, default);
        Assert.Equal(((byte)0, -2), (report.FractionLost, report.CumulativeLost));
    }

    [Fact]
    public void One_distant_sequence_number_is_ignored_and_two_in_sequence_restart_the_statistics()
    {
        Receive([1, 2, 30_000, 3]);
        Assert.Equal(3U, _statistics.Report(7, default).HighestSequence);

        Receive([30_000, 30_001, 30_002]);
        var report = _statistics.Report(7, default);
        Assert.Equal((30_002U, 0), (report.HighestSequence, report.CumulativeLost));
    }

    [Fact]
    public void Jitter_is_zero_for_regular_packets_and_approaches_the_deviation_of_irregular_ones()
    {
        for (var i = 0; i < 100; i++)
            _statistics.Receive((ushort)i, (uint)(160 * i), TimeSpan.FromMilliseconds(20 * i));

        Assert.Equal(0U, _statistics.Report(7, default).Jitter);

        // Every second packet is 10 ms late, which is 80 units.
        for (var i = 100; i < 300; i++)
            _statistics.Receive((ushort)i, (uint)(160 * i), TimeSpan.FromMilliseconds((20 * i) + (10 * (i % 2))));

        Assert.InRange(_statistics.Report(7, default).Jitter, 78U, 80U);
    }

    [Fact]
    public void Arrival_times_do_not_overflow_after_years()
    {
        var start = TimeSpan.FromDays(20_000);

        for (var i = 0; i < 10; i++)
            _statistics.Receive((ushort)i, uint.MaxValue - 500 + (uint)(160 * i), start + TimeSpan.FromMilliseconds(20 * i));

        Assert.Equal(0U, _statistics.Report(7, start).Jitter);
    }

    [Fact]
    public void A_report_contains_the_last_sender_report_and_its_age()
    {
        var before = _statistics.Report(7, TimeSpan.FromSeconds(1));
        _statistics.ReceiveSenderReport(0x0000_1234_5678_0000, TimeSpan.FromSeconds(1));
        var after = _statistics.Report(7, TimeSpan.FromSeconds(2.5));

        Assert.Equal((0U, 0U), (before.LastSenderReport, before.DelaySinceLastSenderReport));
        Assert.Equal((0x1234_5678U, 98_304U), (after.LastSenderReport, after.DelaySinceLastSenderReport));
    }

    private void Receive(IEnumerable<int> numbers)
    {
        foreach (var number in numbers)
            _statistics.Receive((ushort)number, 0, default);
    }
}
