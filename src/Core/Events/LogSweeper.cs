using Azure.Data.Tables;
using Sessions.Model;
using Sessions.Storage;

namespace Sessions.Events;

/// <summary>Deletes expired rows from the logs of the accounts whose feed is or was on.</summary>
public sealed class LogSweeper(Tables tables, Feeds feeds, TimeProvider time)
{
    /// <summary>
    /// Deletes entries and cursors that expired at least <see cref="Sweeper.Grace"/> ago. The head stays, so that no position is used
    /// twice. Two storage calls for an account, and one for each 100 rows.
    /// </summary>
    /// <returns>How many rows were deleted.</returns>
    public async Task<int> SweepAsync(CancellationToken cancellation)
    {
        var deleted = 0;
        await foreach (var accountId in feeds.ListAsync(cancellation))
        {
            deleted += await DeleteEntriesAsync(accountId, cancellation);
            deleted += await DeleteCursorsAsync(accountId, cancellation);
        }

        return deleted;
    }

    /// <summary>Deletes the entries from the oldest one up to the first that has not expired, so that the feed has no gap.</summary>
    private async Task<int> DeleteEntriesAsync(AccountId accountId, CancellationToken cancellation)
    {
        var (partition, first, deleted) = (accountId.ToString(), Keys.Log(0), 0);
        var query = tables.Events.QueryAsync<TableEntity>(
            TableClient.CreateQueryFilter($"PartitionKey eq {partition} and RowKey ge {first}"),
            TableCalls.MaxTransactionActions,
            ["PartitionKey", "RowKey", Columns.Expires],
            cancellation);
        await foreach (var page in query.AsPages())
        {
            var expired = page.Values.TakeWhile(row => Keys.IsLog(row.RowKey) && HasExpired(row)).ToArray();
            if (expired.Length > 0 && !await TryDeleteAsync(expired, cancellation))
                break;

            deleted += expired.Length;
            if (expired.Length < page.Values.Count)
                break;
        }

        return deleted;
    }

    private async Task<int> DeleteCursorsAsync(AccountId accountId, CancellationToken cancellation)
    {
        var (partition, first, end, expired) = (accountId.ToString(), Keys.CursorPrefix, Keys.CursorEnd, time.GetUtcNow() - Sweeper.Grace);
        var deleted = 0;
        var query = tables.Events.QueryAsync<TableEntity>(
            TableClient.CreateQueryFilter($"PartitionKey eq {partition} and RowKey ge {first} and RowKey le {end} and Expires le {expired}"),
            TableCalls.MaxTransactionActions,
            ["PartitionKey", "RowKey", Columns.Expires],
            cancellation);
        await foreach (var page in query.AsPages())
        {
            // The cursors are deleted under their ETags, because a cursor that has moved since covers other rows.
            if (page.Values.Count > 0 && await TryDeleteAsync(page.Values, cancellation))
                deleted += page.Values.Count;
        }

        return deleted;
    }

    private bool HasExpired(TableEntity row) => row.GetDateTimeOffset(Columns.Expires) <= time.GetUtcNow() - Sweeper.Grace;

    private async Task<bool> TryDeleteAsync(IReadOnlyList<TableEntity> rows, CancellationToken cancellation)
        => (await tables.Events.TrySubmitAsync(
            rows.Select(row => new TableTransactionAction(TableTransactionActionType.Delete, row, row.ETag)), cancellation)).Outcome == WriteOutcome.Done;
}
