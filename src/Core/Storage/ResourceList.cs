using System.Runtime.CompilerServices;
using System.Text;
using Azure.Data.Tables;
using Sessions.Model;

namespace Sessions.Storage;

/// <summary>Lists the rows of the sessions or of the participants of an account, in the order of their ids.</summary>
internal static class ResourceList
{
    /// <summary>
    /// Reads a page of live rows. One storage call if the service finds the rows in one. The service may end a call early, and the page is
    /// then shorter than requested.
    /// </summary>
    /// <param name="table">The table of the sessions or of the participants.</param>
    /// <param name="kind">The row key of a session's or a participant's own row. A partition also has other rows.</param>
    /// <param name="accountId">The account.</param>
    /// <param name="query">The requested page and filters.</param>
    /// <param name="now">The time of the request. Rows that have expired by then are left out.</param>
    /// <param name="cancellation">Cancels the request.</param>
    public static async Task<Page<TableEntity>> ReadAsync(
        TableClient table, string kind, AccountId accountId, ListQuery query, DateTimeOffset now, CancellationToken cancellation)
    {
        List<TableEntity> found = [];
        var rows = table.QueryAsync<TableEntity>(FilterOf(kind, accountId, query, now), query.Limit, cancellationToken: cancellation);
        await foreach (var page in rows.AsPages())
        {
            found.AddRange(page.Values.Where(row => query.TagPrefix is not { } prefix
                || row.GetString(Columns.Tag).StartsWith(prefix, StringComparison.Ordinal)));
            if (page.ContinuationToken is not null && found.Count > 0)
                return new(found, Keys.IdIn(found[^1].PartitionKey));
        }

        return new(found, null);
    }

    private static string FilterOf(string kind, AccountId accountId, ListQuery query, DateTimeOffset now)
    {
        var (first, end) = Keys.PartitionsOf(accountId, query.After);
        var filter = Filter($"PartitionKey gt {first} and PartitionKey lt {end} and RowKey eq {kind}");
        filter += $" and {Filter(FormattableStringFactory.Create($"{Columns.Expires} gt {{0}}", now))}";
        if (query.Tag is { } tag)
            filter += $" and {Filter(FormattableStringFactory.Create($"{Columns.Tag} eq {{0}}", tag))}";
        if (query.TagPrefix is { } prefix)
            filter += $" and {Filter(FormattableStringFactory.Create($"{Columns.Tag} ge {{0}}", prefix))}";
        if (query.TagPrefix is { } begin && Behind(begin) is { } behind)
            filter += $" and {Filter(FormattableStringFactory.Create($"{Columns.Tag} lt {{0}}", behind))}";
        return filter;

        static string Filter(FormattableString filter) => TableClient.CreateQueryFilter(filter);
    }

    /// <summary>
    /// Returns a text that sorts after all texts that begin with the prefix, for example <c>abd</c> for <c>abc</c>, or null if there is no
    /// simple one.
    /// </summary>
    private static string? Behind(string prefix)
    {
        // Above this code unit, the order of code units differs from the order of characters.
        const int LastSimple = 0xD7FF;

        return prefix.EnumerateRunes().LastOrDefault() is { Value: > 0 and < LastSimple } last
            ? string.Concat(prefix.AsSpan(0, prefix.Length - last.Utf16SequenceLength), new Rune(last.Value + 1).ToString())
            : null;
    }
}
