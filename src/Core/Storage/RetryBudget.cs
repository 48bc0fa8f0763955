using System.Security.Cryptography;

namespace Sessions.Storage;

/// <summary>Bounds how often one request tries again after it lost against another, and spreads the tries out.</summary>
internal sealed class RetryBudget(TimeProvider time, CancellationToken cancellation)
{
    private const int MaxPauses = 40;
    private const int MaxPauseMilliseconds = 200;

    private int _pauses;

    /// <summary>Ends the request's storage calls and pauses.</summary>
    public CancellationToken Cancellation { get; } = cancellation;

    /// <summary>The time.</summary>
    public DateTimeOffset Now => time.GetUtcNow();

    /// <summary>Waits a random while, longer as the tries go on.</summary>
    /// <exception cref="StorageUnavailableException">It was the last try.</exception>
    public Task PauseAsync()
    {
        var pauses = Interlocked.Increment(ref _pauses);
        if (pauses > MaxPauses)
            throw new StorageUnavailableException("The request was not settled after many tries.");

        Telemetry.ConflictsRetried.Add(1);
        var longest = Math.Min(MaxPauseMilliseconds, 2 << Math.Min(pauses, 16));
        return Task.Delay(TimeSpan.FromMilliseconds(RandomNumberGenerator.GetInt32(longest)), time, Cancellation);
    }
}
