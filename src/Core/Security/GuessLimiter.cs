using System.Threading.RateLimiting;
using Sessions.Model;

namespace Sessions.Security;

/// <summary>
/// Limits how often one caller may fail to open one account. The pairs share a fixed number of limiters, so that no
/// number of callers takes more memory; which pairs share one is by chance, anew in each process.
/// </summary>
/// <param name="failures">How many failures a window allows.</param>
/// <param name="window">How long a window is.</param>
public sealed class GuessLimiter(int failures, TimeSpan window)
{
    private const int Limiters = 4096;

    private readonly FixedWindowRateLimiter?[] _limiters = new FixedWindowRateLimiter?[Limiters];

    /// <summary>How many of the limiters have been used.</summary>
    internal int Used => _limiters.Count(limiter => limiter is not null);

    /// <summary>How long the caller has to wait before it may try again; null when it need not.</summary>
    public TimeSpan? Wait(AccountId accountId, string caller)
    {
        using var lease = LimiterOf(accountId, caller).AttemptAcquire(permitCount: 0);
        return lease.IsAcquired ? null
            : lease.TryGetMetadata(MetadataName.RetryAfter, out var wait) ? wait
            : window;
    }

    /// <summary>Counts a failure.</summary>
    public void Count(AccountId accountId, string caller) => LimiterOf(accountId, caller).AttemptAcquire().Dispose();

    private FixedWindowRateLimiter LimiterOf(AccountId accountId, string caller)
    {
        ref var limiter = ref _limiters[(uint)HashCode.Combine(accountId, caller) % Limiters];
        if (Volatile.Read(ref limiter) is null)
        {
            var made = new FixedWindowRateLimiter(new() { PermitLimit = failures, Window = window, AutoReplenishment = false });
            Interlocked.CompareExchange(ref limiter, made, null);
        }

        limiter!.TryReplenish();
        return limiter;
    }
}
