using System.Text.Json;
using Azure;
using Azure.Data.Tables;
using Sessions.Model;

namespace Sessions.Storage;

/// <summary>The row of an account's log with the number of the last entry. Every append rewrites it under its ETag.</summary>
internal readonly record struct LogHead(long Position, ETag ETag)
{
    /// <summary>Reads the row. If it does not exist, returns a head at 0 without an ETag. One storage call.</summary>
    public static async Task<LogHead> FindAsync(TableClient table, AccountId accountId, CancellationToken cancellation)
        => await table.FindAsync(accountId.ToString(), Keys.LogHead, cancellation) is { } row
            ? new(row.GetInt64(Columns.Position)!.Value, row.ETag)
            : default;

    /// <summary>Creates the action that sets the head to a position, if the stored head has not changed since it was read.</summary>
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

/// <summary>The cursor of the outbox of a session or participant: how far the outbox is copied to the log of its account.</summary>
/// <param name="AccountId">The account.</param>
/// <param name="Outbox">The partition of the session or participant.</param>
/// <param name="Number">The last row that is in the log with all its events, or -1 for none.</param>
/// <param name="Within">How many events of the next row are in the log.</param>
/// <param name="Expires">
/// When the cursor expires. This is later than the rows that are in the log, because without a cursor they would be logged again.
/// </param>
/// <param name="Wakes">When a message will cause a look at the partition, because its session or one of its members expires then.</param>
internal sealed record CursorRow(AccountId AccountId, string Outbox, long Number, int Within, DateTimeOffset Expires, DateTimeOffset? Wakes)
{
    /// <summary>How much later a cursor expires than the last row that it covers.</summary>
    public static readonly TimeSpan Margin = TimeSpan.FromDays(1);

    /// <summary>The ETag of the row that was read, or the default for a cursor that is not stored yet.</summary>
    public ETag ETag { get; init; }

    /// <summary>Reads the cursor. If it does not exist, returns a cursor before the first row. One storage call.</summary>
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

    /// <summary>Creates the action that stores this cursor, if the stored cursor has not changed since it was read.</summary>
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
