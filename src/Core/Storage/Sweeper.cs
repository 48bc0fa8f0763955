using System.Runtime.CompilerServices;
using Azure;
using Azure.Data.Tables;

namespace Sessions.Storage;

/// <summary>Deletes the rows of expired sessions and participants.</summary>
public sealed class Sweeper(Tables tables, TimeSpan eventRetention, TimeProvider time, EventQueue events)
{
    /// <summary>
    /// How long after its end a session or participant is kept. This is longer than the duration of any request that read it before its
    /// end, even if the clocks of the machines differ.
    /// </summary>
    public static readonly TimeSpan Grace = TimeSpan.FromHours(1);

    /// <summary>
    /// Deletes the rows of at most about <paramref name="most"/> sessions and as many participants that ended at least <see cref="Grace"/>
    /// ago, the oldest first. The cost grows with the number of expired rows, not with the number of live ones. A row of the index is
    /// deleted last, so the next sweep continues with the remaining rows.
    /// </summary>
    /// <returns>How many rows of sessions, members, participants and events were deleted.</returns>
    public async Task<int> SweepAsync(int most, CancellationToken cancellation)
        => await SweepAsync(tables.Sessions, most, cancellation) + await SweepAsync(tables.Participants, most, cancellation);

    /// <summary>
    /// Deletes all rows of sessions and participants that ended at least <see cref="Grace"/> ago, even if they have no row in the index.
    /// Reads both tables completely.
    /// </summary>
    /// <returns>After each page, how many rows of sessions and members, and how many of participants, have been deleted so far.</returns>
    public async IAsyncEnumerable<(int Sessions, int Participants)> PurgeAsync([EnumeratorCancellation] CancellationToken cancellation)
    {
        var (sessions, participants) = (0, 0);
        await foreach (var rows in PurgeAsync(tables.Sessions, cancellation))
            yield return (sessions += rows, participants);
        await foreach (var rows in PurgeAsync(tables.Participants, cancellation))
            yield return (sessions, participants += rows);
    }

    private async Task<int> SweepAsync(TableClient table, int most, CancellationToken cancellation)
    {
        var endedBefore = time.GetUtcNow() - Grace;
        var expired = ExpiredRows(table, endedBefore);
        var (deleted, seen) = (0, 0);

        // A page of index rows of one partition can be deleted in one transaction.
        await foreach (var page in IndexRow.ReadAsync(table, endedBefore, TableCalls.MaxTransactionActions, cancellation))
        {
            var (rows, done) = await expired.DeleteAsync(page.Select(index => index.ResourcePartitionKey), cancellation);
            deleted += rows;

            // If this fails, the next sweep finds the index rows again and deletes them.
            foreach (var partition in page.Where(index => done.Contains(index.ResourcePartitionKey)).GroupBy(index => index.PartitionKey))
                await table.TrySubmitAsync(partition.Select(Delete), cancellation);

            seen += page.Count;
            if (seen >= most)
                break;
        }

        return deleted;
    }

    private async IAsyncEnumerable<int> PurgeAsync(TableClient table, [EnumeratorCancellation] CancellationToken cancellation)
    {
        var endedBefore = time.GetUtcNow() - Grace;
        var expired = ExpiredRows(table, endedBefore);
        var query = table.QueryAsync<TableEntity>(
            TableClient.CreateQueryFilter(FormattableStringFactory.Create($"{Columns.Expires} le {{0}}", endedBefore)),
            select: ["PartitionKey"],
            cancellationToken: cancellation);
        await foreach (var page in query.AsPages().WithCancellation(cancellation))
        {
            var partitions = page.Values.Select(row => row.PartitionKey).Where(key => !Keys.IsIndex(key)).Distinct();
            yield return (await expired.DeleteAsync(partitions, cancellation)).Rows;
        }
    }

    private ExpiredRows ExpiredRows(TableClient table, DateTimeOffset endedBefore)
        => new(table, ChangeTime.At(time.GetUtcNow(), eventRetention), endedBefore, events);

    private static TableTransactionAction Delete(IndexRow index) => new(TableTransactionActionType.Delete, index.ToEntity(), ETag.All);
}
