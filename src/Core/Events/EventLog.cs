using Azure.Data.Tables;
using Sessions.Model;
using Sessions.Security;
using Sessions.Storage;

namespace Sessions.Events;

/// <summary>An entry of an account's log.</summary>
/// <param name="Position">The number of the entry. The first entry has 1, and there are no gaps.</param>
/// <param name="Event">The event.</param>
internal sealed record LogEntry(long Position, SessionsEvent Event);

/// <summary>
/// The log of each account, which numbers all its events with one counter. An append is one transaction that writes the head, the entries,
/// and the cursors of their outboxes, each under the ETag with which it was read. Each event of an outbox is therefore in the log once and
/// in the order of the outbox, even if several servers append. If an append gets no response and another append succeeds, the first one can
/// no longer be applied.
/// </summary>
public sealed class EventLog(Tables tables)
{
    /// <summary>The most events of one outbox in one append, whose transaction also writes the head and the cursor.</summary>
    internal const int MaxEvents = TableCalls.MaxTransactionActions - 2;

    private const int MaxRemembered = 10_000;

    private readonly Lock _lock = new();
    private readonly Dictionary<AccountId, List<LogAppend>> _waiting = [];
    private readonly BoundedMemory<AccountId, LogHead> _heads = new(MaxRemembered);

    /// <summary>Called after each append.</summary>
    internal Func<AccountId, CancellationToken, Task>? Appended { get; set; }

    /// <summary>Reads the entries after a position, in order. One storage call if they come in one page.</summary>
    internal async Task<IReadOnlyList<LogEntry>> ReadAsync(AccountId account, long after, int limit, CancellationToken cancellation)
    {
        var (partition, first) = (account.ToString(), Keys.Log(after + 1));
        var query = tables.Events.QueryAsync<TableEntity>(
            TableClient.CreateQueryFilter($"PartitionKey eq {partition} and RowKey ge {first}"),
            Math.Min(limit, TableCalls.MaxPageSize),
            cancellationToken: cancellation);
        List<LogEntry> entries = [];
        await foreach (var row in query)
        {
            if (!Keys.IsLog(row.RowKey))
                break;

            entries.Add(new(Keys.PositionOf(row.RowKey), LogRow.EventOf(row)));
            if (entries.Count == limit)
                break;
        }

        return entries;
    }

    /// <summary>Reads the number of the last entry, or 0 if there is none. One storage call.</summary>
    internal async Task<long> FindHeadAsync(AccountId account, CancellationToken cancellation)
        => (await LogHead.FindAsync(tables.Events, account, cancellation)).Position;

    /// <summary>
    /// Appends events of an outbox after its cursor. This process makes one append at a time for an account. Appends that arrive meanwhile
    /// are combined into the next one.
    /// </summary>
    /// <returns>False if the append may have failed, or another server made it. The caller then reads the cursor again.</returns>
    internal async Task<bool> AppendAsync(LogAppend append)
    {
        var account = append.Cursor.AccountId;
        lock (_lock)
        {
            if (_waiting.TryGetValue(account, out var others))
            {
                others.Add(append);
                account = default;
            }
            else
            {
                _waiting.Add(account, [append]);
            }
        }

        // It is not awaited, because it ends only when no append waits, and this caller waits only for its own append.
        if (account != default)
            _ = AppendAllAsync(account);
        return await append.Done.Task;
    }

    private async Task AppendAllAsync(AccountId account)
    {
        while (Next(account) is { } together)
        {
            try
            {
                var (isDone, rejected) = await TryAppendAsync(account, together);
                while (rejected is not null)
                {
                    // Its caller reads its cursor again. The others are appended without it.
                    together.Remove(rejected);
                    rejected.Done.TrySetResult(false);
                    (isDone, rejected) = together.Count > 0 ? await TryAppendAsync(account, together) : default;
                }

                if (isDone)
                    ReleaseOvertaken(account, together);
                together.ForEach(append => append.Done.TrySetResult(isDone));
            }
            catch (Exception exception) when (StorageFaults.IsTransient(exception))
            {
                // Each caller reads its cursor again.
                together.ForEach(append => append.Done.TrySetResult(false));
            }
            catch (Exception exception)
            {
                together.ForEach(append => append.Done.TrySetException(exception));
            }
        }
    }

    /// <summary>Completes the waiting appends of the same outboxes, whose cursors have just been moved.</summary>
    private void ReleaseOvertaken(AccountId account, List<LogAppend> done)
    {
        List<LogAppend> overtaken;
        lock (_lock)
        {
            var waiting = _waiting[account];
            overtaken = waiting.FindAll(append => done.Exists(other => other.Cursor.Outbox == append.Cursor.Outbox));
            waiting.RemoveAll(overtaken.Contains);
        }

        overtaken.ForEach(append => append.Done.TrySetResult(false));
    }

    /// <summary>Returns as many waiting appends as fit into one transaction, or null if none waits.</summary>
    private List<LogAppend>? Next(AccountId account)
    {
        lock (_lock)
        {
            var waiting = _waiting[account];
            var (room, next) = (TableCalls.MaxTransactionActions - 1, new List<LogAppend>());
            foreach (var append in waiting)
            {
                if (append.Events.Count + 1 > room || next.Exists(other => other.Cursor.Outbox == append.Cursor.Outbox))
                    continue;

                next.Add(append);
                room -= append.Events.Count + 1;
            }

            waiting.RemoveAll(next.Contains);
            if (next.Count > 0)
                return next;

            _waiting.Remove(account);
            return null;
        }
    }

    /// <summary>Appends the events of all of these outboxes, or of none.</summary>
    /// <returns>
    /// Whether they are appended, and the append whose cursor another look has moved. Neither if another server has appended to the log, or
    /// if the outcome is unknown.
    /// </returns>
    private async Task<(bool IsDone, LogAppend? Rejected)> TryAppendAsync(AccountId account, List<LogAppend> together)
    {
        // No caller can cancel the append, because other callers wait for it. The client itself cancels a call without a response.
        if (!_heads.TryGet(account, out var head))
            head = await LogHead.FindAsync(tables.Events, account, CancellationToken.None);
        var position = head.Position;
        List<TableTransactionAction> actions = [];
        Dictionary<int, LogAppend> cursors = [];
        foreach (var append in together)
        {
            actions.AddRange(append.Events.Select(logged => LogRow.Add(account, ++position, logged.Event, logged.Expires)));
            actions.Add(append.Cursor.ToAction());
            // The head is the first action.
            cursors.Add(actions.Count, append);
        }

        _heads.Remove(account);
        var write = await tables.Events.TrySubmitAsync(actions.Prepend(head.MoveTo(account, position)), CancellationToken.None);
        if (write.FailedAction is { } failed && cursors.TryGetValue(failed, out var rejected))
        {
            _heads.Set(account, head);
            return (false, rejected);
        }

        if (write.Outcome != WriteOutcome.Done)
            return default;

        if (write.ETag != default)
            _heads.Set(account, new(position, write.ETag));
        return (true, null);
    }
}

/// <summary>Events of an outbox to append to the log, and the cursor after them.</summary>
internal sealed record LogAppend(CursorRow Cursor, IReadOnlyList<OutboxEvent> Events)
{
    public TaskCompletionSource<bool> Done { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
}
