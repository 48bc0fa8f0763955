using System.Globalization;
using Microsoft.Azure.Functions.Worker;
using Microsoft.Extensions.Logging;
using Sessions.Events;
using Sessions.Storage;

namespace Sessions.Endpoints;

/// <summary>
/// Every ten minutes, deletes the rows of sessions and participants that ended at least an hour ago, and measures how long events wait for
/// their delivery. Ended sessions and participants are invisible before their rows are deleted.
/// </summary>
public sealed partial class SweepExpired(Sweeper sweeper, LogSweeper logs, EventBacklog backlog, ILogger<SweepExpired> logger)
{
    /// <summary>The interval between two runs, which LocalHost also uses.</summary>
    public static readonly TimeSpan Period = TimeSpan.FromMinutes(int.Parse(PeriodMinutes, CultureInfo.InvariantCulture));

    private const string PeriodMinutes = "10";
    private const int MostInOneRun = 10_000;

    /// <summary>Measures the queue, and deletes expired rows up to the limit of one run.</summary>
    [Function(nameof(SweepExpired))]
    public async Task Run([TimerTrigger($"0 */{PeriodMinutes} * * * *")] TimerInfo timer, CancellationToken cancellation)
    {
        await backlog.MeasureAsync(cancellation);
        var rows = await sweeper.SweepAsync(MostInOneRun, cancellation) + await logs.SweepAsync(cancellation);
        LogSwept(rows);
    }

    [LoggerMessage(10, LogLevel.Information, "Deleted {Rows} expired rows.")]
    private partial void LogSwept(int rows);
}
