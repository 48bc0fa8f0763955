using Azure.Data.Tables;

namespace Sessions.Storage;

/// <summary>Deletes the rows of expired sessions and participants.</summary>
internal sealed class ExpiredRows(TableClient table, ChangeTime time, DateTimeOffset endedBefore, EventQueue events)
{
    private const int AtOnce = 8;

    /// <summary>
    /// Deletes the expired rows of each partition whose session or participant ended at or before <c>endedBefore</c>. A session and all its
    /// members are deleted in one transaction, which also writes the event of its end. Events and the marker of an idempotency key stay
    /// until they expire, and get an index row for that time. The marker is deleted last, so that a resource that is created again with the
    /// same key does not find events of the previous one. Live traffic and other deletions may run at the same time. Each partition needs
    /// at most two storage calls, one more for each 100 rows, and one for the rows that stay.
    /// </summary>
    /// <returns>How many rows were deleted, and the partitions whose index rows are no longer needed.</returns>
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

    /// <returns>How many rows were deleted, or null if some could not be deleted now.</returns>
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
                return 0; // The session or participant is live.
        }

        var header = expired.Find(row => row.RowKey == Keys.Header);
        if (header is not null || staying.Exists(row => Keys.IsOutbox(row.RowKey)))
            expired.RemoveAll(row => row.RowKey == Keys.IdempotencyMarker);

        // The index row is written first, so that the remaining rows are found even if this run ends here.
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
            // The rows are deleted under their ETags. If a row has changed since, the next sweep tries again.
            var write = await table.TrySubmitAsync(
                chunk.Select(row => new TableTransactionAction(TableTransactionActionType.Delete, row, row.ETag)), cancellation);
            if (write.Outcome != WriteOutcome.Done)
                return null;
        }

        return expired.Count;
    }

    /// <summary>
    /// When the next rows of the partition will have expired: its events, including the event of the session's end, or the marker.
    /// </summary>
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
