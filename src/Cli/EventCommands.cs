using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using Sessions.Events;
using Sessions.Model;
using Sessions.Storage;

namespace Sessions.Cli;

/// <summary><c>sessions events</c>: reads the events of an account, and turns its feed on or off.</summary>
internal static class EventCommands
{
    private const int PageSize = 1_000;

    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    public static Command Create(CliContext context) => new("events", "The events of an account or of a session.")
    {
        List(context), On(context), Off(context),
    };

    private static Command List(CliContext context)
    {
        var account = CliContext.Account();
        var session = new Option<string>("--session") { Description = "Lists the events of this session, which may be deleted. Without it, the command lists the events of the account, whose feed must be on." };
        var after = new Option<string>("--after") { Description = "The cursor after which the list starts: the id of an event of the session, or the cursor at the end of a list." };
        var follow = new Option<bool>("--follow") { Description = "Waits for further events until you press Ctrl+C." };
        var command = new Command("list", "Lists events, the oldest first, one event on each line.") { account, session, after, follow };
        command.SetAction((parsed, cancellation) => context.WithTablesAsync(async tables =>
        {
            var accountId = CliContext.AccountOf(parsed.GetRequiredValue(account));
            var read = ReaderOf(new(tables, new(tables), new(tables, context.Time)), accountId, parsed.GetValue(session));
            var cursor = parsed.GetValue(after);
            while (true)
            {
                var page = await read(cursor, cancellation);
                if (FailureOf(page) is { } failure)
                    throw new CliException(failure);

                cursor = page.Cursor;
                foreach (var listed in page.Events)
                    await context.Output.WriteLineAsync(context.IsJson(parsed) ? JsonOf(listed).ToJsonString() : Line(listed));
                if (page.Events.Count == PageSize)
                    continue;
                if (!parsed.GetValue(follow))
                    break;

                await Task.Delay(Pause, context.Time, cancellation);
            }

            if (!context.IsJson(parsed))
                await context.Output.WriteLineAsync(cursor is null ? "There are no events yet." : $"To continue, use --after {cursor}.");
            return 0;
        }, cancellation));
        return command;
    }

    private static Command On(CliContext context)
    {
        var account = CliContext.Account();
        var command = new Command("on", "Turns the feed of an account on: events are logged from now on.") { account };
        command.SetAction((parsed, cancellation) => context.WithTablesAsync(async tables =>
        {
            var accountId = CliContext.AccountOf(parsed.GetRequiredValue(account));
            await new Feeds(tables, context.Time).TurnOnAsync(accountId, cancellation);
            await context.WriteAsync(
                parsed,
                $"The feed of account {accountId} is on. All servers notice within a minute.",
                new JsonObject { ["account"] = accountId.ToString(), ["feed"] = "on" });
            return 0;
        }, cancellation));
        return command;
    }

    private static Command Off(CliContext context)
    {
        var account = CliContext.Account();
        var command = new Command("off", "Turns the feed of an account off: no more events are logged. Logged events stay until they expire.") { account };
        command.SetAction((parsed, cancellation) => context.WithTablesAsync(async tables =>
        {
            var accountId = CliContext.AccountOf(parsed.GetRequiredValue(account));
            if (!await new Feeds(tables, context.Time).TurnOffAsync(accountId, cancellation))
                throw new CliException($"The feed of account {accountId} is already off.");

            await context.WriteAsync(
                parsed,
                $"The feed of account {accountId} is off. All servers notice within a minute.",
                new JsonObject { ["account"] = accountId.ToString(), ["feed"] = "off" });
            return 0;
        }, cancellation));
        return command;
    }

    private static Func<string?, CancellationToken, Task<FeedPage>> ReaderOf(EventFeeds feeds, AccountId accountId, string? session)
    {
        if (session is null)
            return (cursor, cancellation) => feeds.ReadAccountAsync(accountId, cursor, PageSize, cancellation);
        if (!SessionId.TryParse(session, out var id))
            throw new CliException($"{session} is not a valid session id: expected a UUID.");

        return (cursor, cancellation) => feeds.ReadSessionAsync(accountId, id, cursor, PageSize, cancellation);
    }

    private static string? FailureOf(FeedPage page) => page.Outcome switch
    {
        FeedOutcome.Done => null,
        FeedOutcome.NoSession => "There is no session with this id in the account, or its events are no longer kept.",
        FeedOutcome.Off => "The feed of this account is off. To turn it on, run sessions events on.",
        FeedOutcome.NoCursor => "--after: expected a cursor of this feed.",
        _ => $"--after: the events after this cursor are no longer kept. To continue, use --after {page.Cursor}.",
    };

    private static string Line(SessionsEvent listed)
    {
        var data = listed.Data;
        string[] fields = [
            listed.Timestamp.UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss.fff", CultureInfo.InvariantCulture) + "Z",
            listed.Type.PadRight(EventTypes.ParticipantDisconnected.Length),
            .. Field("session", data.SessionId), .. Field("participant", data.ParticipantId), .. Field("device", data.DeviceId),
            .. Field("reason", data.Reason), .. Field("tag", data.Tag), listed.Id];
        return string.Join("  ", fields);
    }

    // A tag may contain control characters, for example a line break, and an event is one line.
    private static string[] Field(string name, string? value)
        => value is null ? [] : [$"{name} {string.Concat(value.Select(character => char.IsControl(character) ? '\uFFFD' : character))}"];

    private static JsonObject JsonOf(SessionsEvent listed)
    {
        var data = new JsonObject { ["accountId"] = listed.Data.AccountId };
        foreach (var (name, value) in new[] { ("sessionId", listed.Data.SessionId), ("participantId", listed.Data.ParticipantId), ("deviceId", listed.Data.DeviceId), ("tag", listed.Data.Tag), ("reason", listed.Data.Reason) })
        {
            if (value is not null)
                data[name] = value;
        }

        return new() { ["id"] = listed.Id, ["type"] = listed.Type, ["timestamp"] = JsonValue.Create(listed.Timestamp.UtcDateTime), ["data"] = data };
    }
}
