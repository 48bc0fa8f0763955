using Azure.Data.Tables;
using Sessions.Model;

namespace Sessions.Storage;

/// <summary>Creates sessions and participants: their rows, their index rows for the expiry, and the markers of idempotency keys.</summary>
internal static class NewRows
{
    /// <summary>
    /// Creates the row that <paramref name="make"/> returns for an id, its event, and its row in the expiry index. This takes two storage
    /// calls, which run in parallel. With an idempotency key they run in sequence, so that a refused repeat leaves no row behind.
    /// </summary>
    /// <param name="table">The table of the sessions or of the participants.</param>
    /// <param name="kind">The row key of a session's or a participant's own row.</param>
    /// <param name="accountId">The account.</param>
    /// <param name="idempotencyKey">The caller's key, from which the id is derived, or null for a generated id.</param>
    /// <param name="make">Creates the row for an id.</param>
    /// <param name="options">How long an idempotency key is valid, and how long events are kept.</param>
    /// <param name="events">Gets a message about the event, in parallel with the first storage call.</param>
    /// <param name="budget">Limits the retries.</param>
    /// <returns>The row, and whether it was created. It was not if the idempotency key was used before.</returns>
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
            // The ids begin with the time of creation, so a list that is sorted by id begins with the oldest resource.
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
    /// Adds a row and its event. The row's id was generated for this try. Returns false if there is no clear response and the row cannot be
    /// found. The write may still be applied later, so another try uses another id. With the same id, this row could reappear after its
    /// deletion.
    /// </summary>
    private static async Task<bool> TryAddAsync(
        TableClient table, TableEntity row, TableTransactionAction creation, CancellationToken cancellation)
    {
        var write = await table.TrySubmitAsync([new(TableTransactionActionType.Add, row), creation], cancellation);
        if (write.Outcome == WriteOutcome.Done)
            return true;

        // If the row exists, it can only be the one from this try, and the response was lost. Its WriteId shows this.
        var stored = await table.FindAsync(row.PartitionKey, row.RowKey, cancellation);
        return stored is not null && (stored.GetString(Columns.WriteId) == row.GetString(Columns.WriteId)
            ? true
            : throw new InvalidOperationException("A generated id is already in use."));
    }

    /// <summary>Adds a row and the marker of its idempotency key. Returns false if another request used the key before.</summary>
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

                // If the response was lost, the stored marker may be the one from this request. Its WriteId shows this.
                var stored = await table.FindAsync(marker.PartitionKey, marker.RowKey, budget.Cancellation);
                if (stored?.GetString(Columns.WriteId) == marker.GetString(Columns.WriteId))
                    return true;

                // The marker of another request prevents the lost write from being applied, until the sweep deletes the marker.
                return stored?.GetDateTimeOffset(Columns.Expires) > row.GetDateTimeOffset(Columns.Created)
                    ? false
                    : throw new StorageUnavailableException("A creation got no response, and may still be applied when the expired marker of its key is deleted.");
            }

            mayBeDone |= write.Outcome == WriteOutcome.Unknown;
            await budget.PauseAsync();
        }
    }
}
