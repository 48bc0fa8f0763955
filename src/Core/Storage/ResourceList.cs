using System.Runtime.CompilerServices;
using System.Text;
using Azure.Data.Tables;
using Sessions.Model;

namespace Sessions.Storage;

/// <summary>The rows of all sessions, or of all participants, of an account, in the order of their ids.</summary>
internal static class ResourceList
{
    /// <summary>
    /// Reads a page of what is live. One storage call where the service finds the rows in one; it may end a call early, and then the
    /// page is shorter than asked for.
    /// </summary>
    /// <param name="table">The table of the sessions or of the participants.</param>
    /// <param name="kind">The row key of a session's or a participant's own row: one partition has other rows, too.</param>
    /// <param name="accountId">The account.</param>
    /// <param name="query">What is asked for.</param>
    /// <param name="now">What has expired by then is not in the list.</param>
    /// <param name="cancellation">Ends the request.</param>
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

    /// <summary>A text that comes after all that begin with the prefix; null when there is no simple one.</summary>
    private static string? Behind(string prefix)
    {
        // From here on, the order of code units is not that of the characters.
        const int LastSimple = 0xD7FF;

        return prefix.EnumerateRunes().LastOrDefault() is { Value: > 0 and < LastSimple } last
            ? string.Concat(prefix.AsSpan(0, prefix.Length - last.Utf16SequenceLength), new Rune(last.Value + 1).ToString())
            : null;
    }
}
