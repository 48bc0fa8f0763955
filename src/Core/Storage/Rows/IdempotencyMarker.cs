using Azure.Data.Tables;

namespace Sessions.Storage;

/// <summary>
/// Says that a session or participant was created with an idempotency key. It outlives what was created: deleted by a request
/// or by the sweep, it must not be created a second time.
/// </summary>
internal static class IdempotencyMarker
{
    /// <summary>The marker beside the row of what is created.</summary>
    public static TableEntity Beside(TableEntity created, DateTimeOffset expires) => new(created.PartitionKey, Keys.IdempotencyMarker)
    {
        [Columns.Expires] = expires,
        [Columns.WriteId] = created[Columns.WriteId],
    };
}
