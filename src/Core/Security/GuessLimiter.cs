using Sessions.Model;

namespace Sessions.Security;

/// <summary>
/// Limits how often one caller may fail to open an account: <see cref="FailuresOnAccount"/> times in a <see cref="Window"/> on
/// one account, and <see cref="FailuresEverywhere"/> times on all accounts together. A guess counts from before it is looked
/// up, so that guesses in parallel are limited as well; one that opens the account is given back.
/// </summary>
/// <param name="time">The time.</param>
/// <param name="capacity">
/// How many callers are remembered, and how many pairs of an account and a caller. When there are more, the counts that were
/// begun longest ago are forgotten: that harms nobody, and whoever has that many addresses has as many limits anyway.
/// </param>
public sealed class GuessLimiter(TimeProvider time, int capacity = GuessLimiter.Capacity)
{
    /// <summary>How often a caller may fail on one account.</summary>
    public const int FailuresOnAccount = 10;

    /// <summary>How often a caller may fail on all accounts together.</summary>
    public const int FailuresEverywhere = 100;

    /// <summary>How many counts of each kind are remembered: 28 MB in all, if every caller guesses.</summary>
    public const int Capacity = 50_000;

    /// <summary>How long failures are counted, from the first on.</summary>
    public static readonly TimeSpan Window = TimeSpan.FromMinutes(1);

    // What keeps a caller out is then most likely its own guesses on their way, which take a storage call each.
    private static readonly TimeSpan ShortWait = TimeSpan.FromSeconds(1);

    private readonly Lock _lock = new();
    private readonly BoundedMemory<(AccountId Account, Caller Caller), Failures> _onAccounts = new(capacity);
    private readonly BoundedMemory<Caller, Failures> _everywhere = new(capacity);

    /// <summary>How many counts are remembered.</summary>
    internal (int OnAccounts, int Everywhere) Count => (_onAccounts.Count, _everywhere.Count);

    /// <summary>
    /// Counts a guess before it is looked up; <see cref="End"/> has to follow. False when the caller has to
    /// <paramref name="wait"/>: then nothing is counted or remembered.
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

    /// <summary>Ends a guess: one that has <paramref name="failed"/> stays counted until its window ends.</summary>
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
        // It was forgotten meanwhile, and may have been begun anew.
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

        /// <summary>How many guesses have failed in it.</summary>
        public int Failed { get; set; }

        /// <summary>How many guesses are being looked up.</summary>
        public int Pending { get; set; }
    }
}
