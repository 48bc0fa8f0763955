using Azure.Data.Tables;

namespace Sessions.Storage;

/// <summary>Says that a session or participant was created with an idempotency key. It outlives the deletion of what was created.</summary>
internal static class IdempotencyMarker
{
    /// <summary>The marker beside the row of what is created.</summary>
    public static TableEntity Beside(TableEntity created) => new(created.PartitionKey, Keys.IdempotencyMarker)
    {
        [Columns.Expires] = created[Columns.Expires],
        [Columns.WriteId] = created[Columns.WriteId],
    };
}
