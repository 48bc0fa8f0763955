using System.Net;
using Sessions.Gateway;
using Sessions.Security;

namespace Sessions.Tests.Gateway;

/// <summary>The sliding second of each caller.</summary>
public sealed class RateLimitTests
{
    private static readonly Caller Caller = Caller.Parse("198.51.100.1");

    private readonly Clock _clock = new();

    public RateLimitTests() => _clock.Stop();

    private static int Count(RateLimit limit, Caller caller, int tries = 100) => Enumerable.Range(0, tries).Count(_ => limit.TryCount(caller));

    [Fact]
    public void Each_caller_has_its_own_limit_per_second()
    {
        var limit = new RateLimit(_clock, 10);

        Assert.Equal(10, Count(limit, Caller));
        Assert.True(limit.IsReached(Caller));
        Assert.Equal(10, Count(limit, Caller.Parse("198.51.100.2")));
    }

    [Fact]
    public void The_limit_is_fully_available_again_after_two_seconds()
    {
        var limit = new RateLimit(_clock, 10);
        Count(limit, Caller);

        _clock.Advance(TimeSpan.FromSeconds(2));

        Assert.False(limit.IsReached(Caller));
        Assert.Equal(10, Count(limit, Caller));
    }

    [Fact]
    public void No_window_of_one_second_allows_more_than_twice_the_limit()
    {
        var limit = new RateLimit(_clock, 10);
        Queue<int> lastSecond = [];
        for (var step = 0; step < 100; step++)
        {
            lastSecond.Enqueue(Count(limit, Caller));
            if (lastSecond.Count > 10)
                lastSecond.Dequeue();
            Assert.InRange(lastSecond.Sum(), 0, 20);
            _clock.Advance(TimeSpan.FromSeconds(0.1));
        }
    }

    [Fact]
    public void Any_number_of_callers_takes_bounded_memory()
    {
        var limit = new RateLimit(_clock, 10, capacity: 100);
        for (var number = 0; number < 1_000; number++)
            limit.TryCount(Caller.Parse(new IPAddress(number).ToString()));

        Assert.Equal(100, limit.Count);
    }
}
