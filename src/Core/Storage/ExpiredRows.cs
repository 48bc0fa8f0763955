using Azure.Data.Tables;

namespace Sessions.Storage;

/// <summary>Deletes the rows of sessions and participants that have expired.</summary>
internal static class ExpiredRows
{
    private const int AtOnce = 8;

    /// <summary>
    /// Deletes, of each partition of a session or participant that ended at or before <paramref name="endedBefore"/>, the rows
    /// that have expired by then. The marker of an idempotency key stays until it expires, too, and gets an index row for that
    /// time. Safe beside live traffic and other deletions. For each partition two storage calls at most, one more for each
    /// 100 rows and one for a marker that stays.
    /// </summary>
    /// <returns>How many rows were deleted, and the partitions whose index rows have done their work.</returns>
    public static async Task<(int Rows, IReadOnlySet<string> Done)> DeleteAsync(
        TableClient table, IEnumerable<string> partitionKeys, DateTimeOffset endedBefore, CancellationToken cancellation)
    {
        var deleted = 0;
        HashSet<string> done = [];
        foreach (var keys in partitionKeys.Chunk(AtOnce))
        {
            var rows = await Task.WhenAll(keys.Select(key => DeleteAsync(table, key, endedBefore, cancellation)));
            deleted += rows.Sum(count => count ?? 0);
            done.UnionWith(keys.Where((_, index) => rows[index] is not null));
        }

        return (deleted, done);
    }

    /// <returns>How many rows were deleted; null when not all could be deleted now.</returns>
    private static async Task<int?> DeleteAsync(
        TableClient table, string partitionKey, DateTimeOffset endedBefore, CancellationToken cancellation)
    {
        List<TableEntity> expired = [];
        TableEntity? marker = null;
        var query = table.QueryAsync<TableEntity>(
            TableClient.CreateQueryFilter($"PartitionKey eq {partitionKey}"),
            select: ["PartitionKey", "RowKey", Columns.Expires],
            cancellationToken: cancellation);
        await foreach (var row in query)
        {
            if (row.GetDateTimeOffset(Columns.Expires) <= endedBefore)
                expired.Add(row);
            else if (row.RowKey == Keys.IdempotencyMarker)
                marker = row;
            else
                return 0; // The session or participant lives.
        }

        // First, so that the marker is found even if this ends here.
        if (marker is not null
            && (await table.TryAddAsync(IndexRow.Beside(marker).ToEntity(), cancellation)).Outcome is not (WriteOutcome.Done or WriteOutcome.Conflict))
        {
            return null;
        }

        foreach (var chunk in expired.Chunk(TableCalls.MaxTransactionActions))
        {
            // Under each row's ETag: what has changed since is looked at the next time.
            var write = await table.TrySubmitAsync(
                chunk.Select(row => new TableTransactionAction(TableTransactionActionType.Delete, row, row.ETag)), cancellation);
            if (write.Outcome != WriteOutcome.Done)
                return null;
        }

        return expired.Count;
    }
}
