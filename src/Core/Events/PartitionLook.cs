using Sessions.Model;
using Sessions.Storage;

namespace Sessions.Events;

/// <summary>Copies the new events of a partition's outbox to the account's log.</summary>
public sealed class PartitionLook(Tables tables, EventLog log, SessionEnds ends, EventQueue queue, TimeProvider time)
{
    /// <summary>
    /// Logs the events of a session or participant that are not in the log yet, ends its expired session and memberships, and schedules a
    /// look for the next of them that expires. Two storage calls if there is nothing to do, three for a participant, and one or two to
    /// append.
    /// </summary>
    /// <returns>Whether there were events to log.</returns>
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

        /// <summary>All events were logged.</summary>
        Complete,

        /// <summary>Some events were logged, and there are more.</summary>
        Logged,

        /// <summary>It is unknown which events are logged, or another server logged them first.</summary>
        Overtaken,
    }

    private async Task<(Step Step, HeaderRow? Header)> LogAsync(
        AccountId accountId, string partitionKey, long upTo, RetryBudget budget)
    {
        var cursor = await CursorRow.FindAsync(tables.Events, accountId, partitionKey, budget.Cancellation);
        if (cursor.Number >= upTo)
            return (Step.Nothing, null);

        var outbox = await Outbox.ReadAsync(tables, partitionKey, cursor.Number + 1, budget.Cancellation);

        // An expired row may have been logged so long ago that its cursor has been deleted.
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
    /// Logs the changes that precede a participant's join: its creation, and the changes that removed it from other sessions. No later
    /// changes of these sessions are logged, because a later change may itself come after the join. For example, if P leaves A with change
    /// 7 and joins B, A is logged up to change 7 before the join.
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
    /// Finds the change that removed the participant from the session. It is the named change, or a later one if the participant had
    /// expired there and its membership was not ended yet.
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
    /// Sends a message for the time at which the session or its next member expires, unless a message is already waiting. It is sent before
    /// the cursor is written, so a crash between the two causes one extra message.
    /// </summary>
    /// <returns>When the next scheduled message causes a look at the partition, or null if no message is scheduled.</returns>
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
