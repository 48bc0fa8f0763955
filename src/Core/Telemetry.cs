using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace Sessions;

/// <summary>
/// What the functions measure and trace. docs/operate.md has what each means. No tag names an account,
/// a user, or anything that a caller chose.
/// </summary>
public static class Telemetry
{
    /// <summary>The name of the activity source and of the meter.</summary>
    public const string Name = "Sessions";

    /// <summary>An activity for each request, and in it one for each try of a storage call.</summary>
    internal static readonly ActivitySource Source = new(Name);

    private static readonly Meter Meter = new(Name);

    /// <summary>By operation and status; its count is the number of requests.</summary>
    internal static readonly Histogram<double> RequestDuration = Meter.CreateHistogram(
        "sessions.request.duration",
        "s",
        "How long requests took.",
        advice: new InstrumentAdvice<double>
        {
            HistogramBucketBoundaries = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 25],
        });

    /// <summary>By table, method and status; the status is 0 when there was no answer.</summary>
    internal static readonly Counter<long> StorageCalls = Meter.CreateCounter<long>(
        "sessions.storage.calls", "{call}", "Calls to Table Storage; each try counts.");

    internal static readonly Counter<long> ConflictsRetried = Meter.CreateCounter<long>(
        "sessions.conflicts.retried", "{retry}", "How often a request tried again after it met another change or a fault.");

    internal static readonly Counter<long> ClaimsFenced = Meter.CreateCounter<long>(
        "sessions.claims.fenced", "{fence}", "Headers rewritten because of a claim without a member.");

    /// <summary>By operation.</summary>
    internal static readonly Counter<long> AuthenticationFailures = Meter.CreateCounter<long>(
        "sessions.authentication.failures", "{request}", "Requests answered 401.");

    /// <summary>Of the messages of the queue <c>sessions-events</c>, since they became visible.</summary>
    internal static readonly Histogram<double> EventsAge = Meter.CreateHistogram(
        "sessions.events.age",
        "s",
        "How long a message about a changed session or participant has waited.",
        advice: new InstrumentAdvice<double> { HistogramBucketBoundaries = [0.1, 0.5, 1, 5, 10, 30, 60, 300, 900, 3600] });

    /// <summary>By operation.</summary>
    internal static readonly Counter<long> RequestsRateLimited = Meter.CreateCounter<long>(
        "sessions.requests.rate_limited", "{request}", "Requests answered 429.");
}
