using Sessions.Security;

namespace Sessions.Gateway;

/// <summary>
/// Counts each caller's actions in a sliding second. The count of the previous second is weighted with the part of it that is less than a
/// second ago.
/// </summary>
/// <param name="time">The time.</param>
/// <param name="most">The maximum count per second.</param>
/// <param name="capacity">The maximum number of callers. Beyond it, the oldest counts are removed.</param>
internal sealed class RateLimit(TimeProvider time, int most, int capacity = RateLimit.Capacity)
{
    /// <summary>The default maximum number of callers, which use about 8 MB.</summary>
    public const int Capacity = 50_000;

    private static readonly TimeSpan Window = TimeSpan.FromSeconds(1);

    private readonly Lock _lock = new();
    private readonly BoundedMemory<Caller, Counts> _callers = new(capacity);

    /// <summary>The number of callers with a count.</summary>
    internal int Count => _callers.Count;

    /// <summary>Counts one action of a caller. If the caller has reached the maximum, returns false and counts nothing.</summary>
    public bool TryCount(Caller caller)
    {
        lock (_lock)
        {
            var counts = Find(caller, out var estimate);
            if (estimate >= most)
                return false;

            _callers.Set(caller, counts with { Current = counts.Current + 1 });
            return true;
        }
    }

    /// <summary>Whether a caller has reached the maximum.</summary>
    public bool IsReached(Caller caller)
    {
        lock (_lock)
        {
            Find(caller, out var estimate);
            return estimate >= most;
        }
    }

    private Counts Find(Caller caller, out double estimate)
    {
        var elapsed = time.GetElapsedTime(0);
        var second = elapsed.Ticks / Window.Ticks;
        _ = _callers.TryGet(caller, out var counts);
        counts = (second - counts.Second) switch
        {
            0 => counts,
            1 => new(second, 0, counts.Current),
            _ => new(second, 0, 0),
        };
        var fraction = (double)(elapsed.Ticks % Window.Ticks) / Window.Ticks;
        estimate = counts.Current + (counts.Previous * (1 - fraction));
        return counts;
    }

    private readonly record struct Counts(long Second, int Current, int Previous);
}
