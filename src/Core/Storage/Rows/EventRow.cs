using System.Text.Json;
using Azure.Data.Tables;
using Sessions.Model;

namespace Sessions.Storage;

/// <summary>The time of a change, and the time at which its events expire.</summary>
internal readonly record struct ChangeTime(DateTimeOffset Now, DateTimeOffset EventsExpire)
{
    public static ChangeTime At(DateTimeOffset now, TimeSpan eventRetention) => new(now, now + eventRetention);
}

/// <summary>
/// A row of the outbox with the events of one change. It is written in the change's own transaction and partition, so neither exists
/// without the other. The numbers of a partition's rows are in the order in which the changes took effect.
/// </summary>
/// <param name="PartitionKey">The partition of the session or participant.</param>
/// <param name="Number">The number of the change in the partition.</param>
/// <param name="Events">The events of the change, at least one.</param>
/// <param name="Expires">When the row expires.</param>
internal sealed record EventRow(string PartitionKey, long Number, IReadOnlyList<StoredEvent> Events, DateTimeOffset Expires)
    : ExpiringRow(Expires)
{
    /// <summary>For a join, the changes of other sessions that precede it.</summary>
    public Predecessors After { get; init; } = Predecessors.None;

    public static EventRow From(TableEntity row) => new(
        row.PartitionKey,
        Keys.NumberOf(row.RowKey),
        JsonSerializer.Deserialize(row.GetBinary(Columns.Data), StoredFormat.Default.IReadOnlyListStoredEvent)!,
        row.GetDateTimeOffset(Columns.Expires)!.Value)
    {
        After = Predecessors.Parse(row.GetString(Columns.After)),
        ETag = row.ETag,
    };

    /// <summary>Creates the action that inserts the row, for the transaction of the change.</summary>
    public TableTransactionAction ToAction() => new(TableTransactionActionType.Add, ToEntity());

    public TableEntity ToEntity() => new(PartitionKey, Keys.Event(Number))
    {
        [Columns.Data] = JsonSerializer.SerializeToUtf8Bytes(Events, StoredFormat.Default.IReadOnlyListStoredEvent),
        [Columns.Expires] = Expires,
        [Columns.After] = After.ToColumn(),
    };
}
