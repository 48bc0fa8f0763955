using System.Runtime.CompilerServices;
using Azure.Data.Tables;

namespace Sessions.Storage;

/// <summary>
/// A row of the expiry index, which lists when sessions and participants end. A sweep therefore reads the rows that have ended and not
/// those that are live. Each session and participant has an index row in a partition of the hour in which it ends, for example
/// <c>:2031050614:a</c>.
/// </summary>
/// <param name="PartitionKey">The hour.</param>
/// <param name="ResourcePartitionKey">The partition of the session or participant that ends then.</param>
internal sealed record IndexRow(string PartitionKey, string ResourcePartitionKey)
{
    /// <summary>
    /// Creates the row that makes the sweep check the partition of <paramref name="expiring"/> after that row has expired.
    /// </summary>
    public static IndexRow Beside(TableEntity expiring)
        => At(expiring.GetDateTimeOffset(Columns.Expires)!.Value, expiring.PartitionKey);

    /// <summary>Creates the row that makes the sweep check a partition after a time.</summary>
    public static IndexRow At(DateTimeOffset time, string partitionKey) => new(Keys.Index(time, partitionKey), partitionKey);

    /// <summary>Reads the rows of the hours that had ended by <paramref name="endedBefore"/>, the oldest first, in pages.</summary>
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
