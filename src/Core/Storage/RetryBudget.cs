using System.Security.Cryptography;

namespace Sessions.Storage;

/// <summary>Limits how often a request retries after a conflict, and spreads the retries over time.</summary>
internal sealed class RetryBudget(TimeProvider time, CancellationToken cancellation)
{
    private const int MaxPauses = 40;
    private const int MaxPauseMilliseconds = 200;

    private int _pauses;

    /// <summary>Cancels the request's storage calls and pauses.</summary>
    public CancellationToken Cancellation { get; } = cancellation;

    /// <summary>The current time.</summary>
    public DateTimeOffset Now => time.GetUtcNow();

    /// <summary>Waits for a random time, whose upper limit grows with each retry.</summary>
    /// <exception cref="StorageUnavailableException">The request has used up its retries.</exception>
    public Task PauseAsync()
    {
        var pauses = Interlocked.Increment(ref _pauses);
        if (pauses > MaxPauses)
            throw new StorageUnavailableException("The request was not completed after many tries.");

        Telemetry.ConflictsRetried.Add(1);
        var longest = Math.Min(MaxPauseMilliseconds, 2 << Math.Min(pauses, 16));
        return Task.Delay(TimeSpan.FromMilliseconds(RandomNumberGenerator.GetInt32(longest)), time, Cancellation);
    }
}
