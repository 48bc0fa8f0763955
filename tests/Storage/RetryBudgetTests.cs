using System.Collections.Concurrent;
using Sessions.Storage;

namespace Sessions.Tests;

/// <summary>The wait of a request before it retries after a conflict.</summary>
public sealed class RetryBudgetTests
{
    private const int MostPauses = 40;

    [Fact]
    public async Task Pauses_grow_up_to_200_milliseconds()
    {
        for (var request = 0; request < 20; request++)
        {
            var time = new InstantTime();
            var budget = new RetryBudget(time, CancellationToken.None);
            for (var pause = 1; pause <= MostPauses; pause++)
            {
                var bound = Math.Min(200, 2 * Math.Pow(2, pause));
                Assert.InRange(await time.PauseAsync(budget), 0, bound - 1);
            }
        }
    }

    [Fact]
    public async Task Pauses_of_conflicting_requests_are_spread_over_the_whole_interval()
    {
        List<double> pauses = [];
        for (var request = 0; request < 60; request++)
        {
            var time = new InstantTime();
            var budget = new RetryBudget(time, CancellationToken.None);
            for (var pause = 1; pause <= 10; pause++)
                await time.PauseAsync(budget);
            pauses.Add(await time.PauseAsync(budget));
        }

        // Of 60 uniform draws from 200, fewer than 20 are distinct, or none is in a given quarter, in less than one in a million runs.
        Assert.InRange(pauses.Distinct().Count(), 20, 60);
        Assert.Contains(pauses, pause => pause < 50);
        Assert.Contains(pauses, pause => pause >= 150);
    }

    [Fact]
    public async Task A_request_fails_after_40_pauses()
    {
        var time = new InstantTime();
        var budget = new RetryBudget(time, CancellationToken.None);
        for (var pause = 0; pause < MostPauses; pause++)
            await budget.PauseAsync();

        await Assert.ThrowsAsync<StorageUnavailableException>(budget.PauseAsync);
    }

    [Fact]
    public async Task A_pause_ends_with_its_request()
    {
        using var request = new CancellationTokenSource();
        var budget = new RetryBudget(new StoppedTime(), request.Token);
        var pauses = Enumerable.Range(0, MostPauses).Select(_ => budget.PauseAsync()).ToArray();

        await request.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Task.WhenAll(pauses).WaitAsync(TimeSpan.FromMinutes(1)));
    }

    /// <summary>Every pause ends immediately and is recorded.</summary>
    private sealed class InstantTime : TimeProvider
    {
        private readonly ConcurrentQueue<TimeSpan> _pauses = new();

        /// <summary>The milliseconds of the next pause. A pause of zero length needs no timer.</summary>
        public async Task<double> PauseAsync(RetryBudget budget)
        {
            _pauses.Clear();
            await budget.PauseAsync();
            return _pauses.SingleOrDefault().TotalMilliseconds;
        }

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            _pauses.Enqueue(dueTime);
            return base.CreateTimer(callback, state, TimeSpan.Zero, period);
        }
    }

    /// <summary>No pause ever ends.</summary>
    private sealed class StoppedTime : TimeProvider
    {
        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
            => base.CreateTimer(callback, state, Timeout.InfiniteTimeSpan, period);
    }
}
