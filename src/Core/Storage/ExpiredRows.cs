using System.Runtime.CompilerServices;
using Azure.Data.Tables;

namespace Sessions.Storage;

/// <summary>Deletes the rows of sessions and participants that have expired.</summary>
public static class ExpiredRows
{
    private const int MaxTransactionActions = 100;

    /// <summary>
    /// How long after its end a session or participant may be deleted: longer than any request that read it before can take,
    /// whatever the difference of the machines' clocks.
    /// </summary>
    public static readonly TimeSpan Grace = TimeSpan.FromHours(1);

    /// <summary>
    /// The partitions of a table of sessions or of participants with a row that ended at or before <paramref name="endedBefore"/>,
    /// a page of the table at a time; a page may have none. What does not belong to an account,
    /// such as an index, is left out.
    /// </summary>
    public static async IAsyncEnumerable<IReadOnlyList<string>> ScanAsync(
        TableClient table, DateTimeOffset endedBefore, [EnumeratorCancellation] CancellationToken cancellation)
    {
        var query = table.QueryAsync<TableEntity>(
            TableClient.CreateQueryFilter($"Expires le {endedBefore}"), select: ["PartitionKey"], cancellationToken: cancellation);
        await foreach (var page in query.AsPages().WithCancellation(cancellation))
            yield return [.. page.Values.Select(row => row.PartitionKey).Where(Keys.HasAccount).Distinct()];
    }

    /// <summary>
    /// Deletes all rows of the partition of a session or participant if every one of them ended at or before
    /// <paramref name="endedBefore"/>. Safe beside live traffic and other deletions. Two storage calls at most, or one more
    /// for each 100 rows.
    /// </summary>
    /// <returns>
    /// How many rows were deleted, 0 when something there is alive or the partition is empty; null when not all could be
    /// deleted now.
    /// </returns>
    public static async Task<int?> DeleteAsync(
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

        foreach (var chunk in rows.Chunk(MaxTransactionActions))
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
