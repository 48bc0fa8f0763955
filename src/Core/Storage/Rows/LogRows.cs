using System.Text.Json;
using Azure;
using Azure.Data.Tables;
using Sessions.Model;

namespace Sessions.Storage;

/// <summary>The row of an account's log with the number of the last entry. Every append rewrites it under its ETag.</summary>
internal readonly record struct LogHead(long Position, ETag ETag)
{
    /// <summary>Reads the row; a head at 0 without an ETag when there is none. One storage call.</summary>
    public static async Task<LogHead> FindAsync(TableClient table, AccountId accountId, CancellationToken cancellation)
        => await table.FindAsync(accountId.ToString(), Keys.LogHead, cancellation) is { } row
            ? new(row.GetInt64(Columns.Position)!.Value, row.ETag)
            : default;

    /// <summary>The action that moves the head on, if it is still the one that was read.</summary>
    public TableTransactionAction MoveTo(AccountId accountId, long position)
    {
        var row = new TableEntity(accountId.ToString(), Keys.LogHead) { [Columns.Position] = position };
        return TableCalls.AddOrMerge(row, ETag);
    }
}

/// <summary>An entry of an account's log.</summary>
internal static class LogRow
{
    public static TableTransactionAction Add(AccountId accountId, long position, SessionsEvent logged, DateTimeOffset expires)
        => new(TableTransactionActionType.Add, new TableEntity(accountId.ToString(), Keys.Log(position))
        {
            [Columns.Id] = logged.Id,
            [Columns.Type] = logged.Type,
            [Columns.Time] = logged.Timestamp,
            [Columns.Data] = JsonSerializer.SerializeToUtf8Bytes(logged.Data, WireFormat.Default.EventData),
            [Columns.Expires] = expires,
        });

    public static SessionsEvent EventOf(TableEntity row) => new(
        row.GetString(Columns.Id),
        row.GetString(Columns.Type),
        row.GetDateTimeOffset(Columns.Time)!.Value,
        JsonSerializer.Deserialize(row.GetBinary(Columns.Data), WireFormat.Default.EventData)!);
}

/// <summary>How far the outbox of a session or participant is in the log of its account.</summary>
/// <param name="AccountId">The account.</param>
/// <param name="Outbox">The partition of the session or participant.</param>
/// <param name="Number">The last row that is in the log with all its events; -1 for none.</param>
/// <param name="Within">How many events of the next row are in the log.</param>
/// <param name="Expires">Later than the rows that are in the log: without a cursor, they would be logged again.</param>
/// <param name="Wakes">When the partition is looked at, because something in it ends.</param>
internal sealed record CursorRow(AccountId AccountId, string Outbox, long Number, int Within, DateTimeOffset Expires, DateTimeOffset? Wakes)
{
    /// <summary>How much longer than the last row that it covers a cursor is kept.</summary>
    public static readonly TimeSpan Margin = TimeSpan.FromDays(1);

    /// <summary>Of the row that was read; none for a cursor that is not stored yet.</summary>
    public ETag ETag { get; init; }

    /// <summary>Reads the cursor; one before the first row when there is none. One storage call.</summary>
    public static async Task<CursorRow> FindAsync(TableClient table, AccountId accountId, string outbox, CancellationToken cancellation)
        => await table.FindAsync(accountId.ToString(), Keys.Cursor(outbox), cancellation) is { } row
            ? new(
                accountId,
                outbox,
                row.GetInt64(Columns.Number)!.Value,
                (int)row.GetInt64(Columns.Within)!.Value,
                row.GetDateTimeOffset(Columns.Expires)!.Value,
                row.GetDateTimeOffset(Columns.Wakes))
            {
                ETag = row.ETag,
            }
            : new(accountId, outbox, -1, 0, default, null);

    /// <summary>The action that stores this cursor, if the stored one is still the one that was read.</summary>
    public TableTransactionAction ToAction()
    {
        var row = new TableEntity(AccountId.ToString(), Keys.Cursor(Outbox))
        {
            [Columns.Number] = Number,
            [Columns.Within] = (long)Within,
            [Columns.Expires] = Expires,
            [Columns.Wakes] = Wakes,
        };
        return TableCalls.AddOrMerge(row, ETag);
    }
}
