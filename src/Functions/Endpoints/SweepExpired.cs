using System.Globalization;
using Microsoft.Azure.Functions.Worker;
using Microsoft.Extensions.Logging;
using Sessions.Events;
using Sessions.Storage;

namespace Sessions.Endpoints;

/// <summary>Every ten minutes: deletes what ended at least an hour ago. Nobody sees it any more before that.</summary>
public sealed partial class SweepExpired(Sweeper sweeper, LogSweeper logs, ILogger<SweepExpired> logger)
{
    /// <summary>How often it runs, also in LocalHost.</summary>
    public static readonly TimeSpan Period = TimeSpan.FromMinutes(int.Parse(PeriodMinutes, CultureInfo.InvariantCulture));

    private const string PeriodMinutes = "10";
    private const int MostInOneRun = 10_000;

    /// <summary>Deletes what has expired, so much of it as one run may.</summary>
    [Function(nameof(SweepExpired))]
    public async Task Run([TimerTrigger($"0 */{PeriodMinutes} * * * *")] TimerInfo timer, CancellationToken cancellation)
    {
        var rows = await sweeper.SweepAsync(MostInOneRun, cancellation) + await logs.SweepAsync(cancellation);
        LogSwept(rows);
    }

    [LoggerMessage(10, LogLevel.Information, "Deleted {Rows} rows that had expired.")]
    private partial void LogSwept(int rows);
}
