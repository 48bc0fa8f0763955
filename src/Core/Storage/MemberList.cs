using Azure;
using Azure.Data.Tables;
using Sessions.Model;

namespace Sessions.Storage;

/// <summary>A consistent snapshot of a session with all its members.</summary>
internal sealed record MemberList(HeaderRow Header, IReadOnlyList<MemberRow> Members)
{
    /// <summary>
    /// Reads the session's partition from the header on, without the events. Returns null if there is no header. One storage call if the
    /// rows come in one page. A query of several pages is not a snapshot, because other requests can write between two pages. It is then
    /// repeated until two passes in a row find the same rows, all of which existed between the two passes.
    /// </summary>
    public static async Task<MemberList?> FindAsync(
        TableClient table, AccountId accountId, SessionId sessionId, RetryBudget budget)
    {
        IReadOnlyList<TableEntity>? before = null;
        while (true)
        {
            var (rows, pages) = await ReadAsync(table, Keys.Partition(accountId, sessionId), budget.Cancellation);
            if (pages <= 1 || (before is not null && AreTheSame(before, rows)))
                return From(rows, sessionId);

            if (before is not null)
                await budget.PauseAsync();
            before = rows;
        }
    }

    private static async Task<(IReadOnlyList<TableEntity> Rows, int Pages)> ReadAsync(
        TableClient table, string partitionKey, CancellationToken cancellation)
    {
        List<TableEntity> rows = [];
        var pages = 0;
        var query = table.QueryAsync<TableEntity>(
            TableClient.CreateQueryFilter($"PartitionKey eq {partitionKey} and RowKey ge {Keys.Header}"), cancellationToken: cancellation);
        await foreach (var page in query.AsPages())
        {
            rows.AddRange(page.Values);
            pages++;
        }

        return (rows, pages);
    }

    private static bool AreTheSame(IReadOnlyList<TableEntity> one, IReadOnlyList<TableEntity> other)
        => one.Select(IdentityOf).SequenceEqual(other.Select(IdentityOf));

    private static (string RowKey, ETag ETag) IdentityOf(TableEntity row) => (row.RowKey, row.ETag);

    private static MemberList? From(IReadOnlyList<TableEntity> rows, SessionId sessionId)
        => rows.FirstOrDefault(row => row.RowKey == Keys.Header) is { } header
            ? new(HeaderRow.From(header, sessionId), [.. rows.Where(row => Keys.IsMember(row.RowKey)).Select(MemberRow.From)])
            : null;
}
