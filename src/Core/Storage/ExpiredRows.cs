using Azure.Data.Tables;

namespace Sessions.Storage;

/// <summary>Deletes the rows of sessions and participants that have expired.</summary>
internal sealed class ExpiredRows(TableClient table, ChangeTime time, DateTimeOffset endedBefore, EventQueue events)
{
    private const int AtOnce = 8;

    /// <summary>
    /// Deletes, of each partition of a session or participant that ended at or before <c>endedBefore</c>, the rows that have expired by
    /// then. A session is deleted with all its members in one transaction, which writes the event of its end. Events and the marker of an
    /// idempotency key stay until they expire, too, and get an index row for that time. The marker goes last: what is created again with
    /// its key must not meet the events of before. Safe beside live traffic and other deletions. For each partition two storage calls at
    /// most, one more for each 100 rows and one for what stays.
    /// </summary>
    /// <returns>How many rows were deleted, and the partitions whose index rows have done their work.</returns>
    public async Task<(int Rows, IReadOnlySet<string> Done)> DeleteAsync(IEnumerable<string> partitionKeys, CancellationToken cancellation)
    {
        var deleted = 0;
        HashSet<string> done = [];
        foreach (var keys in partitionKeys.Chunk(AtOnce))
        {
            var rows = await Task.WhenAll(keys.Select(key => DeleteAsync(key, cancellation)));
            deleted += rows.Sum(count => count ?? 0);
            done.UnionWith(keys.Where((_, index) => rows[index] is not null));
        }

        return (deleted, done);
    }

    /// <returns>How many rows were deleted; null when not all could be deleted now.</returns>
    private async Task<int?> DeleteAsync(string partitionKey, CancellationToken cancellation)
    {
        List<TableEntity> expired = [];
        List<TableEntity> staying = [];
        var query = table.QueryAsync<TableEntity>(
            TableClient.CreateQueryFilter($"PartitionKey eq {partitionKey}"),
            select: ["PartitionKey", "RowKey", .. HeaderRow.AllColumns],
            cancellationToken: cancellation);
        await foreach (var row in query)
        {
            if (row.GetDateTimeOffset(Columns.Expires) <= endedBefore)
                expired.Add(row);
            else if (row.RowKey == Keys.IdempotencyMarker || Keys.IsOutbox(row.RowKey))
                staying.Add(row);
            else
                return 0; // The session or participant lives.
        }

        var header = expired.Find(row => row.RowKey == Keys.Header);
        if (header is not null || staying.Exists(row => Keys.IsOutbox(row.RowKey)))
            expired.RemoveAll(row => row.RowKey == Keys.IdempotencyMarker);

        // First, so that what stays is found even if this ends here.
        if (NextLook(header, staying) is { } next
            && (await table.TryAddAsync(IndexRow.At(next, partitionKey).ToEntity(), cancellation)).Outcome
                is not (WriteOutcome.Done or WriteOutcome.Conflict))
        {
            return null;
        }

        if (header is not null && !await TryEndAsync(header, cancellation))
            return null;

        var rest = (header is null ? expired : expired.Where(row => row != header && !Keys.IsMember(row.RowKey)))
            .OrderBy(row => row.RowKey == Keys.IdempotencyMarker);
        foreach (var chunk in rest.Chunk(TableCalls.MaxTransactionActions))
        {
            // Under each row's ETag: what has changed since is looked at the next time.
            var write = await table.TrySubmitAsync(
                chunk.Select(row => new TableTransactionAction(TableTransactionActionType.Delete, row, row.ETag)), cancellation);
            if (write.Outcome != WriteOutcome.Done)
                return null;
        }

        return expired.Count;
    }

    /// <summary>When the next rows of the partition will have expired: its events, also that of the session's end, or the marker.</summary>
    private DateTimeOffset? NextLook(TableEntity? endingHeader, IReadOnlyCollection<TableEntity> staying)
    {
        if (endingHeader is not null)
            return time.EventsExpire;

        var stayingEvents = staying.Where(row => Keys.IsOutbox(row.RowKey)).ToArray();
        return (stayingEvents.Length > 0 ? stayingEvents : staying).Max(row => row.GetDateTimeOffset(Columns.Expires));
    }

    private async Task<bool> TryEndAsync(TableEntity header, CancellationToken cancellation)
    {
        var (accountId, sessionId) = Keys.SessionOf(header.PartitionKey);
        await events.AnnounceAsync(accountId, header.PartitionKey, cancellation);
        var session = new SessionPartition(table, accountId, HeaderRow.From(header, sessionId));
        return (await session.EndAsync(time, cancellation)).Outcome == WriteOutcome.Done;
    }
}
