using System.Runtime.CompilerServices;
using Azure.Data.Tables;

namespace Sessions.Storage;

/// <summary>
/// A row of the expiry index: what ends when, so that a sweep reads what has ended and not what lives. Beside each session and
/// participant there is one, in a partition of the hour in which it ends.
/// </summary>
/// <param name="PartitionKey">The hour.</param>
/// <param name="ResourcePartitionKey">The partition of the session or participant that ends then.</param>
internal sealed record IndexRow(string PartitionKey, string ResourcePartitionKey)
{
    /// <summary>The row that has the sweep look at the partition of <paramref name="expiring"/> when that row has expired.</summary>
    public static IndexRow Beside(TableEntity expiring)
        => At(expiring.GetDateTimeOffset(Columns.Expires)!.Value, expiring.PartitionKey);

    /// <summary>The row that has the sweep look at a partition after a time.</summary>
    public static IndexRow At(DateTimeOffset time, string partitionKey) => new(Keys.Index(time, partitionKey), partitionKey);

    /// <summary>The rows of the hours that had ended by <paramref name="endedBefore"/>, the oldest first, in pages.</summary>
    public static async IAsyncEnumerable<IReadOnlyList<IndexRow>> ReadAsync(
        TableClient table,
        DateTimeOffset endedBefore,
        int pageSize,
        [EnumeratorCancellation] CancellationToken cancellation)
    {
        var (first, end) = (Keys.IndexPrefix, Keys.IndexHour(endedBefore));
        var query = table.QueryAsync<TableEntity>(
            TableClient.CreateQueryFilter($"PartitionKey gt {first} and PartitionKey lt {end}"),
            pageSize,
            ["PartitionKey", "RowKey"],
            cancellation);
        await foreach (var page in query.AsPages())
            yield return [.. page.Values.Select(row => new IndexRow(row.PartitionKey, row.RowKey))];
    }

    public TableEntity ToEntity() => new(PartitionKey, ResourcePartitionKey);
}
