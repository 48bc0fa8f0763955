using System.CommandLine;
using System.Text.Json.Nodes;
using Sessions.Storage;
using Spectre.Console;

namespace Sessions.Cli;

/// <summary><c>sessions purge</c>: deletes the rows of what has expired.</summary>
internal static class PurgeCommand
{
    public static Command Create(CliContext context)
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
        var removed = (Sessions: 0, Participants: 0);
        await foreach (var soFar in new Sweeper(tables, SessionsOptions.DefaultEventRetention, time, EventQueue.None).PurgeAsync(cancellation))
        {
            removed = soFar;
            report(removed.Sessions + removed.Participants);
        }

        return removed;
    }
}
