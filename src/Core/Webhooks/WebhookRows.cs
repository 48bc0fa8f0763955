using System.Text.Json;
using Azure;
using Azure.Data.Tables;
using Sessions.Model;
using Sessions.Storage;

namespace Sessions.Webhooks;

/// <summary>An event whose delivery failed for good, and which is kept for a while.</summary>
/// <param name="Position">The position in the account's log.</param>
/// <param name="Event">The event.</param>
/// <param name="Attempts">The number of tries.</param>
/// <param name="Reason">The reason for which the last try failed.</param>
/// <param name="At">When the event was given up.</param>
public sealed record FailedEvent(long Position, SessionsEvent Event, int Attempts, string Reason, DateTimeOffset At)
{
    internal ETag ETag { get; init; }
}

/// <summary>
/// The rows of the held and failed events of a webhook. They contain the whole event, because its entry in the log may expire earlier.
/// </summary>
internal static class WebhookRows
{
    public static TableEntity Held(string partitionKey, PendingEvent held) => new(partitionKey, Keys.Held(held.Position))
    {
        [Columns.Id] = held.Event.Id,
        [Columns.Type] = held.Event.Type,
        [Columns.Time] = held.Event.Timestamp,
        [Columns.Data] = JsonSerializer.SerializeToUtf8Bytes(held.Event.Data, WebhookFormat.Default.EventData),
        [Columns.Attempts] = held.Attempts,
        [Columns.Since] = held.Since,
        [Columns.Next] = held.Next == DateTimeOffset.MinValue ? null : held.Next,
        [Columns.Reason] = held.Reason,
    };

    public static PendingEvent ToHeld(TableEntity row) => new(Keys.HeldPositionOf(row.RowKey), EventOf(row))
    {
        Attempts = row.GetInt32(Columns.Attempts) ?? 0,
        Since = row.GetDateTimeOffset(Columns.Since),
        Next = row.GetDateTimeOffset(Columns.Next) ?? DateTimeOffset.MinValue,
        Reason = row.GetString(Columns.Reason),
        IsHeld = true,
    };

    public static TableEntity Failed(string partitionKey, PendingEvent failed, DateTimeOffset now)
    {
        var row = Held(partitionKey, failed);
        row.RowKey = Keys.Failed(failed.Position);
        row.Remove(Columns.Next);
        row[Columns.Failed] = now;
        return row;
    }

    public static FailedEvent ToFailed(TableEntity row) => new(
        Keys.HeldPositionOf(row.RowKey),
        EventOf(row),
        row.GetInt32(Columns.Attempts) ?? 0,
        row.GetString(Columns.Reason) ?? "",
        row.GetDateTimeOffset(Columns.Failed)!.Value)
    {
        ETag = row.ETag,
    };

    /// <summary>
    /// Deletes every row of a webhook. The cursor is deleted first, so that a server that is sending can write nothing more.
    /// </summary>
    public static async Task DeleteAllAsync(TableClient table, AccountId accountId, string webhookId, CancellationToken cancellation)
    {
        var partitionKey = Keys.Partition(accountId, webhookId);
        var rows = table.QueryAsync<TableEntity>(
            TableClient.CreateQueryFilter($"PartitionKey eq {partitionKey}"), select: ["PartitionKey", "RowKey"], cancellationToken: cancellation);
        await foreach (var page in rows.AsPages())
        {
            foreach (var chunk in page.Values.Chunk(TableCalls.MaxTransactionActions))
                await table.TrySubmitAsync(chunk.Select(row => new TableTransactionAction(TableTransactionActionType.Delete, row, ETag.All)), cancellation);
        }
    }

    private static SessionsEvent EventOf(TableEntity row) => new(
        row.GetString(Columns.Id),
        row.GetString(Columns.Type),
        row.GetDateTimeOffset(Columns.Time)!.Value,
        JsonSerializer.Deserialize(row.GetBinary(Columns.Data), WebhookFormat.Default.EventData)!);
}
