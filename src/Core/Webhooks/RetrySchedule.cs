namespace Sessions.Webhooks;

/// <summary>
/// Determines when an undelivered event is sent again, for example 5 seconds after the first failure and 30 seconds after the second.
/// </summary>
internal static class RetrySchedule
{
    /// <summary>The longest pause between two tries, unless the receiver requests a longer one.</summary>
    public static readonly TimeSpan LongestPause = TimeSpan.FromHours(2);

    /// <summary>How long delivery of an event is tried.</summary>
    public static readonly TimeSpan GivenUpAfter = TimeSpan.FromHours(72);

    // Jitter separates the tries of events that failed at the same time.
    private const double Jitter = 0.1;

    private static readonly TimeSpan[] Pauses =
    [
        TimeSpan.FromSeconds(5), TimeSpan.FromSeconds(30), TimeSpan.FromMinutes(2), TimeSpan.FromMinutes(10),
        TimeSpan.FromMinutes(30), TimeSpan.FromHours(1), LongestPause,
    ];

    /// <summary>Returns when the next try is due, or null if the event is to be given up.</summary>
    /// <param name="attempts">How many tries have failed, at least one.</param>
    /// <param name="since">The time of the first try, or the time since which the event waited for an earlier one.</param>
    /// <param name="now">The current time.</param>
    /// <param name="retryAfter">The pause that the receiver requested.</param>
    /// <param name="random">The fraction of the jitter to add, from 0 to 1.</param>
    public static DateTimeOffset? NextTry(int attempts, DateTimeOffset since, DateTimeOffset now, TimeSpan? retryAfter, double random)
    {
        var end = since + GivenUpAfter;
        var pause = Pauses[Math.Min(attempts, Pauses.Length) - 1] * (1 + (Jitter * random));
        if (retryAfter > pause)
            pause = retryAfter.Value;

        return pause <= end - now ? now + pause : null;
    }
}
