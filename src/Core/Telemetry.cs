using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace Sessions;

/// <summary>
/// The metrics and traces of the functions, which docs/operate.md describes. No tag contains an account, a user, or text that a caller
/// chose.
/// </summary>
public static class Telemetry
{
    /// <summary>The name of the activity source and of the meter.</summary>
    public const string Name = "Sessions";

    /// <summary>Each request is an activity, and each try of a storage call is an activity within it.</summary>
    internal static readonly ActivitySource Source = new(Name);

    private static readonly Meter Meter = new(Name);

    /// <summary>Tagged with operation and status. Its count is the number of requests.</summary>
    internal static readonly Histogram<double> RequestDuration = Meter.CreateHistogram(
        "sessions.request.duration",
        "s",
        "How long requests took.",
        advice: new InstrumentAdvice<double>
        {
            HistogramBucketBoundaries = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 25],
        });

    /// <summary>Tagged with table, method and status. The status is 0 if there was no response.</summary>
    internal static readonly Counter<long> StorageCalls = Meter.CreateCounter<long>(
        "sessions.storage.calls", "{call}", "Calls to Table Storage. Each try counts.");

    internal static readonly Counter<long> ConflictsRetried = Meter.CreateCounter<long>(
        "sessions.conflicts.retried", "{retry}", "Retries of requests after a concurrent change or a fault.");

    internal static readonly Counter<long> ClaimsFenced = Meter.CreateCounter<long>(
        "sessions.claims.fenced", "{fence}", "Headers rewritten because of a claim without a member.");

    /// <summary>Tagged with operation.</summary>
    internal static readonly Counter<long> AuthenticationFailures = Meter.CreateCounter<long>(
        "sessions.authentication.failures", "{request}", "Requests that got 401.");

    /// <summary>The age of each message of the queue <c>sessions-events</c>, from the moment at which it became visible.</summary>
    internal static readonly Histogram<double> EventsAge = Meter.CreateHistogram(
        "sessions.events.age",
        "s",
        "How long a message about a changed session or participant has waited.",
        advice: new InstrumentAdvice<double> { HistogramBucketBoundaries = [0.1, 0.5, 1, 5, 10, 30, 60, 300, 900, 3600] });

    /// <summary>Tagged with operation.</summary>
    internal static readonly Counter<long> RequestsRateLimited = Meter.CreateCounter<long>(
        "sessions.requests.rate_limited", "{request}", "Requests that got 429.");
}
