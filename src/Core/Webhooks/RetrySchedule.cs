namespace Sessions.Webhooks;

/// <summary>When an event that a receiver did not take is sent again.</summary>
internal static class RetrySchedule
{
    /// <summary>The longest pause between two tries, but for one that a receiver asked for.</summary>
    public static readonly TimeSpan LongestPause = TimeSpan.FromHours(2);

    /// <summary>How long an event is tried.</summary>
    public static readonly TimeSpan GivenUpAfter = TimeSpan.FromHours(72);

    // So that what failed together is not sent together for ever.
    private const double Jitter = 0.1;

    private static readonly TimeSpan[] Pauses =
    [
        TimeSpan.FromSeconds(5), TimeSpan.FromSeconds(30), TimeSpan.FromMinutes(2), TimeSpan.FromMinutes(10),
        TimeSpan.FromMinutes(30), TimeSpan.FromHours(1), LongestPause,
    ];

    /// <summary>When the next try is due; null when the event is to be given up.</summary>
    /// <param name="attempts">How many tries have failed, at least one.</param>
    /// <param name="since">Since when the event is tried, or waited for an earlier one.</param>
    /// <param name="now">The time.</param>
    /// <param name="retryAfter">How long the receiver wants to be left alone.</param>
    /// <param name="random">From 0 to 1: how much of the jitter is added.</param>
    public static DateTimeOffset? NextTry(int attempts, DateTimeOffset since, DateTimeOffset now, TimeSpan? retryAfter, double random)
    {
        var end = since + GivenUpAfter;
        var pause = Pauses[Math.Min(attempts, Pauses.Length) - 1] * (1 + (Jitter * random));
        if (retryAfter > pause)
            pause = retryAfter.Value;

        return pause <= end - now ? now + pause : null;
    }
}
