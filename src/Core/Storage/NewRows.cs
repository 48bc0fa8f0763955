using Azure.Data.Tables;
using Sessions.Model;

namespace Sessions.Storage;

/// <summary>Creates sessions and participants: their rows, their rows in the expiry index, and the markers of idempotency keys.</summary>
internal static class NewRows
{
    /// <summary>
    /// Creates the row that <paramref name="make"/> returns for an id, its event, and its row in the expiry index. Two storage calls,
    /// made at once; with an idempotency key one after the other, so that a refused repeat leaves nothing.
    /// </summary>
    /// <param name="table">The table of the sessions or of the participants.</param>
    /// <param name="kind">The row key of what is created.</param>
    /// <param name="accountId">The account.</param>
    /// <param name="idempotencyKey">The caller's key, which then gives the id; null for a generated id.</param>
    /// <param name="make">Makes the row for an id.</param>
    /// <param name="options">How long a key is remembered, and events are kept.</param>
    /// <param name="events">Told of the event, at once with the first call.</param>
    /// <param name="budget">Bounds the retries.</param>
    /// <returns>The row, and whether it was created; false when the idempotency key was used before.</returns>
    public static async Task<(T Row, bool IsNew)> CreateAsync<T>(
        TableClient table,
        string kind,
        AccountId accountId,
        string? idempotencyKey,
        Func<Guid, T> make,
        SessionsOptions options,
        EventQueue events,
        RetryBudget budget)
        where T : ResourceRow
    {
        if (idempotencyKey is not null)
        {
            var row = make(Keys.IdOf(kind, accountId, idempotencyKey));
            var entity = row.ToEntity(accountId);
            var announcement = events.AnnounceAsync(accountId, entity.PartitionKey, budget.Cancellation);
            var isNew = await AddOnceAsync(table, entity, EventOf(row), row.Created + options.IdempotencyKeyLifetime, budget);
            await announcement;
            if (isNew)
                await IndexAsync(table, entity, budget);
            return (row, isNew);
        }

        while (true)
        {
            // Such ids begin with the time, so that a list in their order begins with the oldest.
            var row = make(Guid.CreateVersion7(budget.Now));
            var entity = row.ToEntity(accountId);
            var announcement = events.AnnounceAsync(accountId, entity.PartitionKey, budget.Cancellation);
            var indexing = IndexAsync(table, entity, budget);
            var adding = TryAddAsync(table, entity, EventOf(row), budget.Cancellation);
            await Task.WhenAll(announcement, indexing, adding);
            if (await adding)
                return (row, true);

            await budget.PauseAsync();
        }

        TableTransactionAction EventOf(T row) => row.CreationEvent(accountId, row.Created + options.EventRetention).ToAction();
    }

    private static async Task IndexAsync(TableClient table, TableEntity row, RetryBudget budget)
    {
        var index = IndexRow.Beside(row).ToEntity();
        while ((await table.TryAddAsync(index, budget.Cancellation)).Outcome is not (WriteOutcome.Done or WriteOutcome.Conflict))
            await budget.PauseAsync();
    }

    /// <summary>
    /// Adds a row, and its event, whose id was generated for this one try; false when there is no clear answer and the row cannot be found. It
    /// may land yet, so another try takes another id: with the same, this row could come back after its deletion.
    /// </summary>
    private static async Task<bool> TryAddAsync(
        TableClient table, TableEntity row, TableTransactionAction creation, CancellationToken cancellation)
    {
        var write = await table.TrySubmitAsync([new(TableTransactionActionType.Add, row), creation], cancellation);
        if (write.Outcome == WriteOutcome.Done)
            return true;

        // A row that is there already can only be this one, and its answer was lost; its WriteId tells.
        var stored = await table.FindAsync(row.PartitionKey, row.RowKey, cancellation);
        return stored is not null && (stored.GetString(Columns.WriteId) == row.GetString(Columns.WriteId)
            ? true
            : throw new InvalidOperationException("A generated id is in use already."));
    }

    /// <summary>Adds a row, and the marker that it was created with an idempotency key; false when another request did so before.</summary>
    private static async Task<bool> AddOnceAsync(
        TableClient table, TableEntity row, TableTransactionAction creation, DateTimeOffset keyExpires, RetryBudget budget)
    {
        var marker = IdempotencyMarker.Beside(row, keyExpires);
        var mayBeDone = false;
        while (true)
        {
            var write = await table.TrySubmitAsync(
                [new(TableTransactionActionType.Add, row), new(TableTransactionActionType.Add, marker), creation], budget.Cancellation);
            if (write.Outcome == WriteOutcome.Done)
                return true;

            if (write.Outcome == WriteOutcome.Conflict)
            {
                if (!mayBeDone)
                    return false;

                // The marker that is there may be this request's own, when its answer was lost; its WriteId tells.
                var stored = await table.FindAsync(marker.PartitionKey, marker.RowKey, budget.Cancellation);
                if (stored?.GetString(Columns.WriteId) == marker.GetString(Columns.WriteId))
                    return true;

                // Another's marker keeps the lost write from landing, until the sweep deletes it.
                return stored?.GetDateTimeOffset(Columns.Expires) > row.GetDateTimeOffset(Columns.Created)
                    ? false
                    : throw new StorageUnavailableException("A creation got no answer, and may land when the expired marker of its key is deleted.");
            }

            mayBeDone |= write.Outcome == WriteOutcome.Unknown;
            await budget.PauseAsync();
        }
    }
}
