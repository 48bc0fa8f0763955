using System.Collections.Concurrent;
using Azure.Data.Tables;

namespace Sessions.Storage;

/// <summary>Deletes the rows of sessions and participants that have expired.</summary>
internal static class ExpiredRows
{
    private const int AtOnce = 8;

    /// <summary>
    /// Deletes, of each partition of a session or participant, all rows if every one of them ended at or before
    /// <paramref name="endedBefore"/>. Safe beside live traffic and other deletions. For each partition two storage calls at
    /// most, or one more for each 100 rows.
    /// </summary>
    /// <returns>How many rows were deleted, and the partitions that have no such rows any more.</returns>
    public static async Task<(int Rows, IReadOnlySet<string> Done)> DeleteAsync(
        TableClient table, IEnumerable<string> partitionKeys, DateTimeOffset endedBefore, CancellationToken cancellation)
    {
        var deleted = 0;
        ConcurrentBag<string> done = [];
        await Parallel.ForEachAsync(
            partitionKeys,
            new ParallelOptions { MaxDegreeOfParallelism = AtOnce, CancellationToken = cancellation },
            async (partitionKey, stop) =>
            {
                if (await DeleteAsync(table, partitionKey, endedBefore, stop) is not { } rows)
                    return;

                Interlocked.Add(ref deleted, rows);
                done.Add(partitionKey);
            });
        return (deleted, done.ToHashSet());
    }

    /// <returns>
    /// How many rows were deleted, 0 when something there is alive or the partition is empty; null when not all could be
    /// deleted now.
    /// </returns>
    private static async Task<int?> DeleteAsync(
        TableClient table, string partitionKey, DateTimeOffset endedBefore, CancellationToken cancellation)
    {
        List<TableEntity> rows = [];
        var query = table.QueryAsync<TableEntity>(
            TableClient.CreateQueryFilter($"PartitionKey eq {partitionKey}"),
            select: ["PartitionKey", "RowKey", Columns.Expires],
            cancellationToken: cancellation);
        await foreach (var row in query)
        {
            if (row.GetDateTimeOffset(Columns.Expires) > endedBefore)
                return 0;
            rows.Add(row);
        }

        foreach (var chunk in rows.Chunk(TableCalls.MaxTransactionActions))
        {
            // Under each row's ETag: what has changed since is looked at the next time.
            var write = await table.TrySubmitAsync(
                chunk.Select(row => new TableTransactionAction(TableTransactionActionType.Delete, row, row.ETag)), cancellation);
            if (write.Outcome != WriteOutcome.Done)
                return null;
        }

        return rows.Count;
    }
}
