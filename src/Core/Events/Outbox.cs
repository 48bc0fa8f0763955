using Azure.Data.Tables;
using Sessions.Model;
using Sessions.Storage;

namespace Sessions.Events;

/// <summary>An event of an outbox.</summary>
/// <param name="Event">The event in the form that callers get.</param>
/// <param name="Number">The number of its row.</param>
/// <param name="Index">The index of the event in its row.</param>
/// <param name="IsLast">Whether it is the last event of its row.</param>
/// <param name="Expires">When it expires.</param>
internal readonly record struct OutboxEvent(SessionsEvent Event, long Number, int Index, bool IsLast, DateTimeOffset Expires);

/// <summary>Rows of the outbox of a session or participant, and the session's header.</summary>
internal sealed record Outbox(AccountId AccountId, Guid Source, bool IsSession, IReadOnlyList<EventRow> Rows, HeaderRow? Header)
{
    /// <summary>Whether the partition has no row from the requested number on, and no header.</summary>
    public bool IsEmpty => Rows.Count == 0 && Header is null;

    /// <summary>
    /// Reads the rows of a session from a number on, and the header after them. If neither exists, the partition may be a participant's,
    /// and its rows are read. One storage call, or two for a participant.
    /// </summary>
    public static async Task<Outbox> ReadAsync(Tables tables, string partitionKey, long first, CancellationToken cancellation)
    {
        var (accountId, id) = Keys.SessionOf(partitionKey);
        var (rows, header) = await ReadAsync(tables.Sessions, partitionKey, first, null, cancellation);
        if (rows.Count > 0 || header is not null)
            return new(accountId, id.Value, true, rows, header is null ? null : HeaderRow.From(header, id));

        (rows, _) = await ReadAsync(tables.Participants, partitionKey, first, null, cancellation);
        return new(accountId, id.Value, false, rows, null);
    }

    /// <summary>
    /// Reads at most <paramref name="most"/> rows of a session, from a number on. One storage call if they come in one page.
    /// </summary>
    public static async Task<Outbox> ReadSessionAsync(
        Tables tables, AccountId accountId, SessionId id, long first, int most, CancellationToken cancellation)
    {
        var (rows, _) = await ReadAsync(tables.Sessions, Keys.Partition(accountId, id), first, most, cancellation);
        return new(accountId, id.Value, true, rows, null);
    }

    /// <summary>
    /// Reads at most <paramref name="most"/> rows of a participant, from a number on. One storage call if they come in one page.
    /// </summary>
    public static async Task<IReadOnlyList<EventRow>> ReadParticipantAsync(
        Tables tables, AccountId accountId, ParticipantId id, long first, int most, CancellationToken cancellation)
        => (await ReadAsync(tables.Participants, Keys.Partition(accountId, id), first, most, cancellation)).Rows;

    /// <summary>
    /// Returns the events after those that the caller already has, in order. Events that only a callback URL gets are left out.
    /// </summary>
    /// <param name="number">The number of the row with which to begin.</param>
    /// <param name="within">How many events of that row the caller already has.</param>
    public IEnumerable<OutboxEvent> EventsBehind(long number, int within)
        => from row in Rows
           from item in row.Events.Index()
           where item.Item.Type is not null && (row.Number > number || (row.Number == number && item.Index >= within))
           select new OutboxEvent(ToEvent(row, item.Index, item.Item), row.Number, item.Index, item.Index == row.Events.Count - 1, row.Expires);

    private SessionsEvent ToEvent(EventRow row, int index, StoredEvent stored)
        => new(
            new EventId(Source, row.Number, index).ToString(),
            stored.Type!,
            stored.Timestamp,
            new(
                AccountId.ToString(),
                IsSession ? Source.ToString() : null,
                IsSession ? stored.ParticipantId?.ToString() : Source.ToString(),
                stored.Tag,
                stored.Reason,
                stored.DeviceId));

    private static async Task<(IReadOnlyList<EventRow> Rows, TableEntity? Header)> ReadAsync(
        TableClient table, string partitionKey, long first, int? most, CancellationToken cancellation)
    {
        var from = Keys.Event(first);
        var query = table.QueryAsync<TableEntity>(
            TableClient.CreateQueryFilter($"PartitionKey eq {partitionKey} and RowKey ge {from} and RowKey le {Keys.Header}"),
            most is null ? null : Math.Min(most.Value, TableCalls.MaxPageSize),
            cancellationToken: cancellation);
        List<EventRow> rows = [];
        TableEntity? header = null;
        await foreach (var row in query)
        {
            if (Keys.IsEvent(row.RowKey))
                rows.Add(EventRow.From(row));
            else
                header = row;
            if (rows.Count == most)
                break;
        }

        return (rows, header);
    }
}
