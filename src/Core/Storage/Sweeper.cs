using System.Collections.Concurrent;
using Azure.Data.Tables;

namespace Sessions.Storage;

/// <summary>Deletes what has expired. Its cost grows with what expired, and not with what lives.</summary>
public sealed class Sweeper(Tables tables, TimeProvider time)
{
    private const int PageSize = 100;
    private const int AtOnce = 8;

    /// <summary>
    /// Deletes the rows of at most about <paramref name="most"/> sessions and as many participants that ended at least
    /// <see cref="ExpiredRows.Grace"/> ago, the oldest first. What is left is next: a row of the index goes last.
    /// </summary>
    /// <returns>How many rows of sessions, members and participants were deleted.</returns>
    public async Task<int> SweepAsync(int most, CancellationToken cancellation)
        => await SweepAsync(tables.Sessions, most, cancellation) + await SweepAsync(tables.Participants, most, cancellation);

    private async Task<int> SweepAsync(TableClient table, int most, CancellationToken cancellation)
    {
        var endedBefore = time.GetUtcNow() - ExpiredRows.Grace;
        var (deleted, seen) = (0, 0);
        await foreach (var page in ExpiryIndex.ReadAsync(table, endedBefore, PageSize, cancellation))
        {
            ConcurrentBag<TableEntity> done = [];
            await Parallel.ForEachAsync(
                page.Values,
                new ParallelOptions { MaxDegreeOfParallelism = AtOnce, CancellationToken = cancellation },
                async (entry, cancel) =>
                {
                    if (await ExpiredRows.DeleteAsync(table, entry.RowKey, endedBefore, cancel) is not { } rows)
                        return;

                    Interlocked.Add(ref deleted, rows);
                    done.Add(entry);
                });
            foreach (var entries in done.GroupBy(entry => entry.PartitionKey))
                await table.TrySubmitAsync(entries.Select(entry => new TableTransactionAction(TableTransactionActionType.Delete, entry)), cancellation);

            seen += page.Values.Count;
            if (seen >= most)
                break;
        }

        return deleted;
    }
}
