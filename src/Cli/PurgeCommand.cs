using System.CommandLine;
using System.Text.Json.Nodes;
using Azure.Data.Tables;
using Sessions.Storage;
using Spectre.Console;

namespace Sessions.Cli;

/// <summary><c>sessions purge</c>: deletes the rows of what has expired.</summary>
internal static class PurgeCommand
{
    private const int PartitionsAtOnce = 16;

    public static Command Create(Context context)
    {
        var command = new Command(
            "purge",
            "Deletes the rows of sessions and participants that ended an hour ago or earlier. Safe beside live traffic; when it was stopped, run it again.");
        command.SetAction((parsed, cancellation) => context.WithTablesAsync(async tables =>
        {
            var removed = context.IsWatched(parsed)
                ? await AnsiConsole.Status().StartAsync("Looking...", status => PurgeAsync(
                    tables, context.Time, rows => status.Status($"{rows:N0} rows removed..."), cancellation))
                : await PurgeAsync(tables, context.Time, _ => { }, cancellation);
            await context.WriteAsync(
                parsed,
                $"Removed {removed.Sessions} rows of sessions and {removed.Participants} rows of participants.",
                new JsonObject { ["sessions"] = removed.Sessions, ["participants"] = removed.Participants });
            return 0;
        }, cancellation));
        return command;
    }

    private static async Task<(int Sessions, int Participants)> PurgeAsync(
        Tables tables, TimeProvider time, Action<int> report, CancellationToken cancellation)
    {
        var endedBefore = time.GetUtcNow() - ExpiredRows.Grace;
        var sessions = await PurgeAsync(tables.Sessions, endedBefore, report, cancellation);
        return (sessions, await PurgeAsync(tables.Participants, endedBefore, rows => report(sessions + rows), cancellation));
    }

    private static async Task<int> PurgeAsync(
        TableClient table, DateTimeOffset endedBefore, Action<int> report, CancellationToken cancellation)
    {
        var removed = 0;
        var parallel = new ParallelOptions { MaxDegreeOfParallelism = PartitionsAtOnce, CancellationToken = cancellation };
        await foreach (var partitions in ExpiredRows.ScanAsync(table, endedBefore, cancellation))
        {
            await Parallel.ForEachAsync(partitions, parallel, async (partition, stop) =>
                Interlocked.Add(ref removed, await ExpiredRows.DeleteAsync(table, partition, endedBefore, stop) ?? 0));
            report(removed);
        }

        return removed;
    }
}
