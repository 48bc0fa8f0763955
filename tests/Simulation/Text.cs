using Azure;
using Sessions.Storage;

namespace Sessions.Tests.Simulation;

/// <summary>A step in words, for the log.</summary>
internal static class Text
{
    public static string Of(Request request, TableCall call, TableAnswer answer)
    {
        var rows = answer.Rows.IsDefault ? "" : string.Join("; ", answer.Rows.Select(row => $"{ShortKey(row.RowKey)} {Claim(row["SessionId"])}{row.ETag}"));
        return $"{Of(request, call)} -> {(rows.Length > 0 ? rows : answer.Succeeded ? answer.ETag.ToString() : answer.Error)}";
    }

    public static string Of(Request request, TableCall call) => $"{request.Number} {request.Operation}: {Of(call)}";

    private static string Of(TableCall call)
    {
        var name = Keys.IsIndex(call.PartitionKey) ? $"index of {call.Table}" : $"{(call.Table == "sessions" ? "S" : "P")}{Ids.Of(call.PartitionKey.AsSpan(Request.AccountPrefix))}";
        return call switch
        {
            { IsWrite: true } => string.Join(" and ", call.Changes.Select(change => Of(name, change))),
            { Page: { } page } => $"query {name}{(page.From is { } from ? $" from {ShortKey(from[(from.IndexOf('\0', StringComparison.Ordinal) + 1)..])}" : "")}",
            _ => $"read {name} {ShortKey(call.RowKey!)}",
        };
    }

    private static string Of(string name, Change change)
        => $"{change.Kind.ToString().ToLowerInvariant()} {name} {ShortKey(change.RowKey)}"
            + (change.Columns?.TryGetValue("SessionId", out var claim) == true ? $" {Claim(claim)}".TrimEnd() : "")
            + (change.IfMatch == default || change.IfMatch == ETag.All ? "" : $" if {change.IfMatch}");

    private static string Claim(object? session) => session switch
    {
        null => "",
        "" => "without claim ",
        var id => $"claiming S{Ids.Of((string)id)} ",
    };

    private static string ShortKey(string rowKey) => rowKey switch
    {
        Keys.Participant => "row",
        Keys.Header or Keys.IdempotencyMarker => rowKey,
        _ when Keys.IsMember(rowKey) => $"member P{Ids.Of(rowKey.AsSpan("member:".Length))}",
        _ => $"row for {Ids.Of(rowKey.AsSpan(Request.AccountPrefix))}",
    };
}
