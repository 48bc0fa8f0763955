using Azure.Data.Tables;

namespace Sessions.Storage;

/// <summary>
/// The row that marks a session or participant as created with an idempotency key. It outlives the resource, so that a repeated request
/// does not create the resource again after a request or the sweep has deleted it.
/// </summary>
internal static class IdempotencyMarker
{
    /// <summary>Creates the marker for the row of a new resource.</summary>
    public static TableEntity Beside(TableEntity created, DateTimeOffset expires) => new(created.PartitionKey, Keys.IdempotencyMarker)
    {
        [Columns.Expires] = expires,
        [Columns.WriteId] = created[Columns.WriteId],
    };
}
