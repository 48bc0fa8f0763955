using Sessions.Media.Forwarding;

namespace Sessions.Tests.Media.Forwarding;

/// <summary>The limit of a subscriber's video, depending on its reports.</summary>
public sealed class VideoBudgetTests
{
    private const long Sent = 1_000_000;
    private const long Audio = 40_000;

    private readonly VideoBudget _budget = new();

    [Fact]
    public void A_low_bandwidth_estimate_without_loss_does_not_limit_video()
    {
        // The estimate of Firefox when video starts again after a pause.
        for (var second = 0; second < 60; second++)
        {
            _budget.ReportLimit(23_159, Audio);
            _budget.ReportLoss(0, Sent, TimeSpan.FromSeconds(second));
            _budget.Advance(TimeSpan.FromSeconds(second));
            Assert.Null(_budget.BitRate);
        }
    }

    [Fact]
    public void Single_reports_of_loss_do_not_limit_video()
    {
        _budget.ReportLoss(0.5, Sent, TimeSpan.FromSeconds(1));
        _budget.ReportLoss(0, Sent, TimeSpan.FromSeconds(2));
        _budget.ReportLoss(0.5, Sent, TimeSpan.FromSeconds(3));

        Assert.Null(_budget.BitRate);
    }

    [Theory]
    [InlineData(null, 400_000)]
    [InlineData(240_000L, 160_000)]
    [InlineData(23_159L, 0)]
    [InlineData(5_000_000L, 400_000)]
    public void Two_reports_of_loss_limit_video_to_the_bit_rate_that_arrived_or_was_estimated(long? limit, long expected)
    {
        if (limit is { } bitRate)
            _budget.ReportLimit(bitRate, Audio);

        _budget.ReportLoss(0.5, Sent, TimeSpan.FromSeconds(1));
        _budget.ReportLoss(0.5, Sent, TimeSpan.FromSeconds(2));

        Assert.Equal(expected, _budget.BitRate);
    }

    [Fact]
    public void The_limit_is_lifted_after_a_pause_that_doubles_each_time()
    {
        var now = TimeSpan.Zero;
        foreach (var pause in (double[])[5, 10, 20, 40, 60, 60])
        {
            Lose();
            now += TimeSpan.FromSeconds(pause - 0.1);
            _budget.Advance(now);
            Assert.NotNull(_budget.BitRate);
            now += TimeSpan.FromSeconds(0.1);
            _budget.Advance(now);
            Assert.Null(_budget.BitRate);
        }

        void Lose()
        {
            _budget.ReportLoss(0.5, Sent, now);
            _budget.ReportLoss(0.5, Sent, now);
        }
    }
}
