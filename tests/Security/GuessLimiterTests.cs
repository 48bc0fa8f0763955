using Sessions.Model;
using Sessions.Security;

namespace Sessions.Tests;

/// <summary>How the limiter counts, with the precision of a tick. <see cref="GuessingTests"/> tests its effect on callers.</summary>
public sealed class GuessLimiterTests
{
    private const int Most = GuessLimiter.FailuresOnAccount;

    private static readonly AccountId Account = AccountId.Parse("account");
    private static readonly Caller Caller = Caller.Parse("198.51.100.1");
    private static readonly Caller Another = Caller.Parse("198.51.100.2");
    private static readonly TimeSpan ATick = TimeSpan.FromTicks(1);

    private readonly SteadyTime _time = new();
    private readonly GuessLimiter _limiter;

    public GuessLimiterTests() => _limiter = new(_time);

    [Fact]
    public void A_window_ends_exactly_a_minute_after_its_first_failure()
    {
        Fail(Most);

        _time.Advance(GuessLimiter.Window - ATick);
        Assert.Equal(ATick, Wait());
        _time.Advance(ATick);
        Assert.Equal(TimeSpan.Zero, Wait());
    }

    [Fact]
    public void A_new_window_starts_with_no_failures_and_has_the_same_length()
    {
        Fail(Most);
        _time.Advance(GuessLimiter.Window);
        Fail(Most);

        Assert.Equal(GuessLimiter.Window, Wait());
        _time.Advance(GuessLimiter.Window - ATick);
        Assert.Equal(ATick, Wait());
    }

    [Fact]
    public void A_caller_with_a_new_window_is_not_evicted_first()
    {
        var limiter = new GuessLimiter(_time, capacity: 2);
        Fail(limiter, Caller, 1);
        Fail(limiter, Another, Most);
        _time.Advance(GuessLimiter.Window);
        Fail(limiter, Another, Most - 1);
        Fail(limiter, Caller, Most);

        Fail(limiter, Caller.Parse("198.51.100.3"), 1);

        Assert.False(limiter.TryBegin(Account, Caller, out _));
        Assert.True(limiter.TryBegin(Account, Another, out _));
        limiter.End(Account, Another, failed: true);
        Assert.True(limiter.TryBegin(Account, Another, out _));
    }

    [Fact]
    public void Pending_guesses_block_a_caller_for_only_a_second()
    {
        Begin(Most);

        Assert.Equal(TimeSpan.FromSeconds(1), Wait());
    }

    [Fact]
    public void Pending_and_failed_guesses_are_counted_together()
    {
        Fail(Most - 1);
        Begin(1);

        Assert.Equal(TimeSpan.FromSeconds(1), Wait());
        _limiter.End(Account, Caller, failed: true);
        Assert.Equal(GuessLimiter.Window, Wait());
    }

    [Fact]
    public void Pending_guesses_still_count_when_a_new_window_starts()
    {
        Begin(Most);
        _time.Advance(GuessLimiter.Window);

        Assert.Equal(TimeSpan.FromSeconds(1), Wait());
    }

    [Fact]
    public void A_successful_attempt_is_not_counted_with_the_failed_ones()
    {
        Fail(Most - 1);
        Begin(1);
        _limiter.End(Account, Caller, failed: false);

        Fail(1);
        Assert.Equal(GuessLimiter.Window, Wait());
    }

    [Fact]
    public void A_successful_attempt_is_not_counted_with_the_pending_ones()
    {
        Begin(2);
        _limiter.End(Account, Caller, failed: false);

        Assert.Equal((1, 1), _limiter.Count);
        _limiter.End(Account, Caller, failed: true);
        Fail(Most - 1);
        Assert.Equal(GuessLimiter.Window, Wait());
    }

    [Fact]
    public void The_end_of_a_guess_changes_nothing_after_its_counter_was_evicted()
    {
        var limiter = new GuessLimiter(_time, capacity: 1);
        Assert.True(limiter.TryBegin(Account, Caller, out _));
        Fail(limiter, Another, 1);

        limiter.End(Account, Caller, failed: true);

        Assert.Equal((1, 1), limiter.Count);
    }

    [Fact]
    public void The_end_of_a_guess_is_not_counted_in_a_counter_created_after_eviction()
    {
        var limiter = new GuessLimiter(_time, capacity: 1);
        Assert.True(limiter.TryBegin(Account, Caller, out _));
        Fail(limiter, Another, 1);
        Fail(limiter, Caller, Most - 1);

        limiter.End(Account, Caller, failed: true);

        // One more guess is free. While it is in progress, that guess keeps the caller out, and not a failure.
        Assert.True(limiter.TryBegin(Account, Caller, out _));
        Assert.False(limiter.TryBegin(Account, Caller, out var wait));
        Assert.Equal(TimeSpan.FromSeconds(1), wait);
    }

    /// <summary>How long the caller has to wait. Zero if it may guess, and then the guess is cancelled.</summary>
    private TimeSpan Wait()
    {
        if (_limiter.TryBegin(Account, Caller, out var wait))
            _limiter.End(Account, Caller, failed: false);
        return wait;
    }

    private void Begin(int guesses)
    {
        for (var guess = 0; guess < guesses; guess++)
            Assert.True(_limiter.TryBegin(Account, Caller, out _));
    }

    private void Fail(int guesses) => Fail(_limiter, Caller, guesses);

    private static void Fail(GuessLimiter limiter, Caller caller, int guesses)
    {
        for (var guess = 0; guess < guesses; guess++)
        {
            Assert.True(limiter.TryBegin(Account, caller, out _));
            limiter.End(Account, caller, failed: true);
        }
    }

    /// <summary>A clock whose timestamps are ticks. Only a test advances it.</summary>
    private sealed class SteadyTime : TimeProvider
    {
        private long _now;

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public void Advance(TimeSpan time) => _now += time.Ticks;

        public override long GetTimestamp() => _now;
    }
}
