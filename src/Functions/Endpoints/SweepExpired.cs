using System.Globalization;
using Microsoft.Azure.Functions.Worker;
using Microsoft.Extensions.Logging;
using Sessions.Events;
using Sessions.Storage;

namespace Sessions.Endpoints;

/// <summary>
/// Every ten minutes: deletes what ended at least an hour ago, which nobody sees any more before that, and measures how long events
/// wait for their delivery.
/// </summary>
public sealed partial class SweepExpired(Sweeper sweeper, LogSweeper logs, EventBacklog backlog, ILogger<SweepExpired> logger)
{
    /// <summary>How often it runs, also in LocalHost.</summary>
    public static readonly TimeSpan Period = TimeSpan.FromMinutes(int.Parse(PeriodMinutes, CultureInfo.InvariantCulture));

    private const string PeriodMinutes = "10";
    private const int MostInOneRun = 10_000;

    /// <summary>Measures the queue, and deletes expired rows, as many as one run may.</summary>
    [Function(nameof(SweepExpired))]
    public async Task Run([TimerTrigger($"0 */{PeriodMinutes} * * * *")] TimerInfo timer, CancellationToken cancellation)
    {
        await backlog.MeasureAsync(cancellation);
        var rows = await sweeper.SweepAsync(MostInOneRun, cancellation) + await logs.SweepAsync(cancellation);
        LogSwept(rows);
    }

    [LoggerMessage(10, LogLevel.Information, "Deleted {Rows} rows that had expired.")]
    private partial void LogSwept(int rows);
}
