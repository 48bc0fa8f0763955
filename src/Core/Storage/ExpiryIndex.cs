using System.Globalization;
using Azure;
using Azure.Data.Tables;

namespace Sessions.Storage;

/// <summary>
/// What ends when, so that a sweep reads what has ended and not what lives: beside each session and participant a row in a
/// partition of the hour in which it ends. Such a partition's key begins with a colon, which no account id does, and sorts by
/// time.
/// </summary>
internal static class ExpiryIndex
{
    private const string Prefix = ":";
    private const string HourFormat = "yyyyMMddHH";

    /// <summary>Does what <paramref name="add"/> does for a session or participant, and in parallel adds its row here.</summary>
    public static async Task<bool> AddAsync(
        TableClient table, TableEntity row, DateTimeOffset expires, Attempts attempts, Func<Task<bool>> add)
    {
        var indexing = AddAsync(table, row, expires, attempts);
        var adding = add();
        await Task.WhenAll(indexing, adding);
        return await adding;
    }

    private static async Task AddAsync(TableClient table, TableEntity of, DateTimeOffset expires, Attempts attempts)
    {
        // Sixteen partitions an hour, because a partition takes 2,000 rows a second at most
        // (https://learn.microsoft.com/azure/storage/tables/scalability-targets).
        var row = new TableEntity($"{Prefix}{Hour(expires)}:{of.PartitionKey[^1]}", of.PartitionKey);
        while ((await table.TryAddAsync(row, attempts.Cancellation)).Outcome is not (WriteOutcome.Done or WriteOutcome.Conflict))
            await attempts.PauseAsync();
    }

    /// <summary>The rows of the hours that had ended by <paramref name="endedBefore"/>, the oldest first, in pages.</summary>
    public static IAsyncEnumerable<Page<TableEntity>> ReadAsync(
        TableClient table, DateTimeOffset endedBefore, int pageSize, CancellationToken cancellation)
    {
        var end = $"{Prefix}{Hour(endedBefore)}";
        return table.QueryAsync<TableEntity>(
            TableClient.CreateQueryFilter($"PartitionKey gt {Prefix} and PartitionKey lt {end}"),
            pageSize,
            ["PartitionKey", "RowKey"],
            cancellation).AsPages();
    }

    private static string Hour(DateTimeOffset time) => time.UtcDateTime.ToString(HourFormat, CultureInfo.InvariantCulture);
}
