using Sessions.Model;
using Sessions.Storage;

namespace Sessions.Events;

/// <summary>Takes what is new in a partition's outbox into the account's log.</summary>
public sealed class PartitionLook(Tables tables, EventLog log, SessionEnds ends, EventQueue queue, TimeProvider time)
{
    /// <summary>
    /// Logs the events of a session or participant that are not in the log yet, ends what has expired in it, and has it looked at again
    /// when the next of it ends. Two storage calls when there is nothing to do, three for a participant, and one or two to append.
    /// </summary>
    /// <returns>Whether there was something to log.</returns>
    public async Task<bool> RunAsync(AccountId accountId, string partitionKey, CancellationToken cancellation)
    {
        var budget = new RetryBudget(time, cancellation);
        var hasLogged = false;
        while (true)
        {
            var (step, header) = await LogAsync(accountId, partitionKey, long.MaxValue, budget);
            hasLogged |= step is Step.Logged or Step.Complete;
            if (step == Step.Overtaken)
                await budget.PauseAsync();
            else if (step != Step.Logged && (header is null || !await ends.EndDueAsync(accountId, header, announce: false, cancellation)))
                return hasLogged;
        }
    }

    private enum Step
    {
        Nothing,

        /// <summary>All that was there is logged.</summary>
        Complete,

        /// <summary>There is more to log.</summary>
        Logged,

        /// <summary>It is not known what is logged, or another was faster.</summary>
        Overtaken,
    }

    private async Task<(Step Step, HeaderRow? Header)> LogAsync(
        AccountId accountId, string partitionKey, long upTo, RetryBudget budget)
    {
        var cursor = await CursorRow.FindAsync(tables.Events, accountId, partitionKey, budget.Cancellation);
        if (cursor.Number >= upTo)
            return (Step.Nothing, null);

        var outbox = await Outbox.ReadAsync(tables, partitionKey, cursor.Number + 1, budget.Cancellation);

        // An expired row may have been logged so long ago that its cursor is gone.
        var now = time.GetUtcNow();
        var live = outbox with { Rows = [.. outbox.Rows.Where(row => row.IsLive(now) && row.Number <= upTo)] };
        var found = live.EventsBehind(cursor.Number + 1, cursor.Within).ToArray();
        var wakes = await ScheduleAsync(accountId, partitionKey, outbox.Header, cursor, budget.Cancellation);
        if (found.Length == 0)
        {
            if (wakes is not null && cursor.Wakes != wakes)
                await log.AppendAsync(new(cursor with { Wakes = wakes, Expires = Later(cursor.Expires, wakes.Value + CursorRow.Margin) }, []));
            return (Step.Nothing, outbox.Header);
        }

        var events = found.Take(EventLog.MaxEvents).ToArray();
        await LogPredecessorsAsync(accountId, outbox, live, events[^1].Number, budget);

        var last = events[^1];
        var next = cursor with
        {
            Number = last.IsLast ? last.Number : last.Number - 1,
            Within = last.IsLast ? 0 : last.Index + 1,
            Expires = Later(Later(cursor.Expires, events.Max(logged => logged.Expires) + CursorRow.Margin), wakes),
            Wakes = wakes,
        };
        if (!await log.AppendAsync(new(next, events)))
            return (Step.Overtaken, null);

        if (log.Appended is { } appended)
            await appended(accountId, budget.Cancellation);
        return (events.Length < found.Length ? Step.Logged : Step.Complete, outbox.Header);
    }

    /// <summary>
    /// A participant's join comes after its creation, and after the changes that took it out of other sessions. Those are logged
    /// first, and no more of their sessions: a later change there may itself come after this one.
    /// </summary>
    private async Task LogPredecessorsAsync(AccountId accountId, Outbox outbox, Outbox live, long last, RetryBudget budget)
    {
        if (!outbox.IsSession)
            return;

        foreach (var row in live.Rows.Where(row => row.Number <= last))
        {
            foreach (var joined in row.Events.Where(stored => stored.Type == EventTypes.ParticipantJoined))
            {
                var participant = new ParticipantId(joined.ParticipantId!.Value);
                foreach (var change in row.After.Changes)
                {
                    var number = await FindLeaveAsync(accountId, change, participant, budget);
                    await LogUpToAsync(accountId, Keys.Partition(accountId, change.SessionId), number, budget);
                }

                if (row.After.Changes.Count == 0)
                    await LogUpToAsync(accountId, Keys.Partition(accountId, participant), 0, budget);
            }
        }
    }

    /// <summary>
    /// The change that took the participant out of the session: the one that is named, or a later one, when the participant had expired
    /// there and nobody had ended its membership yet.
    /// </summary>
    private async Task<long> FindLeaveAsync(AccountId accountId, ChangeNumber change, ParticipantId participant, RetryBudget budget)
    {
        if (change.Number == ChangeNumber.All)
            return change.Number;

        while (true)
        {
            var behind = await Outbox.ReadAsync(tables, Keys.Partition(accountId, change.SessionId), change.Number + 1, budget.Cancellation);
            var next = behind.Rows
                .SelectMany(row => row.Events, (row, stored) => (row.Number, Event: stored))
                .FirstOrDefault(item => item.Event.ParticipantId == participant.Value);
            if (next.Event is not null)
                return next.Event.Type == EventTypes.ParticipantLeft ? next.Number : change.Number;
            if (behind.Header?.Members.Contains(participant) != true
                || !await ends.EndDueAsync(accountId, behind.Header, announce: false, budget.Cancellation))
            {
                return change.Number;
            }
        }
    }

    private async Task LogUpToAsync(AccountId accountId, string partitionKey, long number, RetryBudget budget)
    {
        while (true)
        {
            var (step, _) = await LogAsync(accountId, partitionKey, number, budget);
            if (step is Step.Nothing or Step.Complete)
                return;
            if (step == Step.Overtaken)
                await budget.PauseAsync();
        }
    }

    /// <summary>
    /// Sends a message for when the next of the session ends, unless there is one. Before the cursor says so: a crash between the two
    /// sends one more.
    /// </summary>
    /// <returns>When the partition is looked at; null when nothing ends in it.</returns>
    private async Task<DateTimeOffset?> ScheduleAsync(
        AccountId accountId, string partitionKey, HeaderRow? header, CursorRow cursor, CancellationToken cancellation)
    {
        if (header is null)
            return null;

        var (now, end) = (time.GetUtcNow(), SessionEnds.NextEnd(header));
        if (end <= now)
            return cursor.Wakes;
        if (cursor.Wakes is { } wakes && wakes > now && wakes <= end)
            return wakes;

        var next = end - now > EventMessage.MaxDelay ? now + EventMessage.MaxDelay : end;
        await queue.SendLater(accountId, partitionKey, next - now, cancellation);
        return next;
    }

    private static DateTimeOffset Later(DateTimeOffset one, DateTimeOffset? other) => other > one ? other.Value : one;
}
