using System.CommandLine;
using System.Text.Json.Nodes;
using Sessions.Storage;
using Spectre.Console;

namespace Sessions.Cli;

/// <summary><c>sessions purge</c>: deletes expired rows.</summary>
internal static class PurgeCommand
{
    public static Command Create(CliContext context)
    {
        var command = new Command(
            "purge",
            "Deletes the rows of sessions and participants that ended an hour ago or earlier. Safe during live traffic. If you stop it, run it again.");
        command.SetAction((parsed, cancellation) => context.WithTablesAsync(async tables =>
        {
            var removed = context.IsWatched(parsed)
                ? await AnsiConsole.Status().StartAsync("Reading rows...", status => PurgeAsync(
                    tables, context, rows => status.Status($"{rows:N0} rows deleted..."), cancellation))
                : await PurgeAsync(tables, context, _ => { }, cancellation);
            await context.WriteAsync(
                parsed,
                $"Deleted {removed.Sessions} rows of sessions and {removed.Participants} rows of participants.",
                new JsonObject { ["sessions"] = removed.Sessions, ["participants"] = removed.Participants });
            return 0;
        }, cancellation));
        return command;
    }

    private static async Task<(int Sessions, int Participants)> PurgeAsync(
        Tables tables, CliContext context, Action<int> report, CancellationToken cancellation)
    {
        var removed = (Sessions: 0, Participants: 0);
        var sweeper = new Sweeper(tables, SessionsOptions.ReadEventRetention(context.Configuration), context.Time, Events(tables, context));
        await foreach (var soFar in sweeper.PurgeAsync(cancellation))
        {
            removed = soFar;
            report(removed.Sessions + removed.Participants);
        }

        return removed;
    }

    /// <summary>Creates the queue that notifies the delivery of sessions that a purge ends, for accounts whose feed is on.</summary>
    private static EventQueue Events(Tables tables, CliContext context)
    {
        var feeds = new Feeds(tables, context.Time);
        var events = EventQueue.Over(context.ConnectQueues(), feeds, context.Time);
        return new(async (accountId, partitionKey, _, cancellation) =>
        {
            // This reads a table first, so that a failure of the table is not reported as a failure of the queue.
            if (await feeds.IsOnAsync(accountId, cancellation))
                await context.WithQueuesAsync(_ => events.AnnounceAsync(accountId, partitionKey, cancellation), cancellation);
        });
    }
}
