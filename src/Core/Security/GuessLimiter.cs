using Sessions.Model;

namespace Sessions.Security;

/// <summary>
/// Limits how often one caller may fail to open an account: <see cref="FailuresOnAccount"/> times in a <see cref="Window"/> on one account,
/// and <see cref="FailuresEverywhere"/> times on all accounts together. A guess counts before it is looked up, so the limit also holds for
/// concurrent guesses. A guess that opens the account is then no longer counted.
/// </summary>
/// <param name="time">The clock.</param>
/// <param name="capacity">
/// How many callers are tracked, and how many pairs of an account and a caller. Above this number, the oldest counts are dropped. This does
/// no harm, because an attacker with that many addresses has as many limits in any case.
/// </param>
public sealed class GuessLimiter(TimeProvider time, int capacity = GuessLimiter.Capacity)
{
    /// <summary>The most failures of a caller on one account.</summary>
    public const int FailuresOnAccount = 10;

    /// <summary>The most failures of a caller on all accounts together.</summary>
    public const int FailuresEverywhere = 100;

    /// <summary>How many counts of each kind are tracked. They take 28 MB in all if every caller guesses.</summary>
    public const int Capacity = 50_000;

    /// <summary>How long failures are counted, from the first failure.</summary>
    public static readonly TimeSpan Window = TimeSpan.FromMinutes(1);

    // The caller is then most likely blocked by its own pending guesses, which take one storage call each.
    private static readonly TimeSpan ShortWait = TimeSpan.FromSeconds(1);

    private readonly Lock _lock = new();
    private readonly BoundedMemory<(AccountId Account, Caller Caller), Failures> _onAccounts = new(capacity);
    private readonly BoundedMemory<Caller, Failures> _everywhere = new(capacity);

    /// <summary>How many counts are tracked.</summary>
    internal (int OnAccounts, int Everywhere) Count => (_onAccounts.Count, _everywhere.Count);

    /// <summary>
    /// Counts a guess before it is looked up. The caller must then call <see cref="End"/>. Returns false if the caller has to
    /// <paramref name="wait"/>, and then counts nothing.
    /// </summary>
    public bool TryBegin(AccountId accountId, Caller caller, out TimeSpan wait)
    {
        lock (_lock)
        {
            var now = time.GetTimestamp();
            var everywhere = Find(_everywhere, caller, now);
            var onAccount = Find(_onAccounts, (accountId, caller), now);
            wait = Longer(WaitOf(everywhere, FailuresEverywhere, now), WaitOf(onAccount, FailuresOnAccount, now));
            if (wait > TimeSpan.Zero)
                return false;

            Begin(_everywhere, caller, everywhere ?? new(now));
            Begin(_onAccounts, (accountId, caller), onAccount ?? new(now));
            return true;
        }
    }

    /// <summary>Ends a guess. If it has <paramref name="failed"/>, it stays counted until its window ends.</summary>
    public void End(AccountId accountId, Caller caller, bool failed)
    {
        lock (_lock)
        {
            End(_everywhere, caller, failed);
            End(_onAccounts, (accountId, caller), failed);
        }
    }

    private Failures? Find<TKey>(BoundedMemory<TKey, Failures> all, TKey key, long now)
        where TKey : notnull
    {
        if (!all.TryGet(key, out var failures) || time.GetElapsedTime(failures.Began, now) < Window)
            return failures;

        (failures.Began, failures.Failed) = (now, 0);
        all.Set(key, failures);
        return failures;
    }

    private TimeSpan WaitOf(Failures? failures, int most, long now)
        => failures is null || failures.Failed + failures.Pending < most ? TimeSpan.Zero
            : failures.Failed < most ? ShortWait
            : Window - time.GetElapsedTime(failures.Began, now);

    private static void Begin<TKey>(BoundedMemory<TKey, Failures> all, TKey key, Failures failures)
        where TKey : notnull
    {
        failures.Pending++;
        if (!all.TryGet(key, out _))
            all.Set(key, failures);
    }

    private static void End<TKey>(BoundedMemory<TKey, Failures> all, TKey key, bool failed)
        where TKey : notnull
    {
        // The count was dropped meanwhile, and may have been started again.
        if (!all.TryGet(key, out var failures) || failures.Pending == 0)
            return;

        failures.Pending--;
        if (failed)
            failures.Failed++;
        else if (failures is { Pending: 0, Failed: 0 })
            all.Remove(key);
    }

    private static TimeSpan Longer(TimeSpan one, TimeSpan other) => one > other ? one : other;

    private sealed class Failures(long began)
    {
        /// <summary>When the window began.</summary>
        public long Began { get; set; } = began;

        /// <summary>How many guesses have failed in the window.</summary>
        public int Failed { get; set; }

        /// <summary>How many guesses are being looked up.</summary>
        public int Pending { get; set; }
    }
}
