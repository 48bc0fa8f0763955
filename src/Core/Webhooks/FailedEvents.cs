using Azure;
using Azure.Data.Tables;
using Sessions.Model;
using Sessions.Storage;

namespace Sessions.Webhooks;

/// <summary>The events whose delivery failed for good. They are kept for a week and can be sent again.</summary>
public sealed class FailedEvents(Tables tables, WebhookMessages messages, TimeProvider time)
{
    /// <summary>How long a failed event is kept.</summary>
    public static readonly TimeSpan KeptFor = TimeSpan.FromDays(7);

    /// <summary>Lists the failed events of a webhook, in the order of the log.</summary>
    public IAsyncEnumerable<FailedEvent> ListAsync(AccountId accountId, string webhookId, CancellationToken cancellation)
        => RowsAsync(accountId, webhookId, cancellation).Select(WebhookRows.ToFailed).Where(failed => !IsOver(failed));

    /// <summary>
    /// Schedules a failed event for delivery, with a new series of tries and before later events of its session and its participant.
    /// Returns false if it is not a failed event.
    /// </summary>
    public async Task<bool> ResendAsync(AccountId accountId, string webhookId, FailedEvent failed, CancellationToken cancellation)
    {
        var partitionKey = Keys.Partition(accountId, webhookId);
        var write = await tables.Events.TrySubmitAsync(
            [
                new(TableTransactionActionType.Delete, new TableEntity(partitionKey, Keys.Failed(failed.Position)), failed.ETag),
                new(TableTransactionActionType.UpsertReplace, WebhookRows.Held(partitionKey, new(failed.Position, failed.Event))),
            ],
            cancellation);
        return write.Outcome switch
        {
            WriteOutcome.Done => true,
            WriteOutcome.Missing or WriteOutcome.Conflict => false,
            _ => throw new StorageUnavailableException("It is not known whether the event is sent again."),
        };
    }

    /// <summary>Sends a message for the webhook, so that a server sends its due events now.</summary>
    public Task WakeAsync(AccountId accountId, string webhookId, CancellationToken cancellation)
        => messages.SendAsync(accountId, webhookId, TimeSpan.Zero, cancellation);

    /// <summary>Deletes the failed events that have been kept for <see cref="KeptFor"/>.</summary>
    internal async Task PurgeAsync(AccountId accountId, string webhookId, CancellationToken cancellation)
    {
        var over = await RowsAsync(accountId, webhookId, cancellation).Where(row => IsOver(WebhookRows.ToFailed(row))).ToListAsync(cancellation);
        foreach (var chunk in over.Chunk(TableCalls.MaxTransactionActions))
        {
            // Rows that cannot be deleted now are deleted the next time.
            await tables.Events.TrySubmitAsync(
                chunk.Select(row => new TableTransactionAction(TableTransactionActionType.Delete, row, ETag.All)), cancellation);
        }
    }

    private bool IsOver(FailedEvent failed) => failed.At + KeptFor <= time.GetUtcNow();

    private AsyncPageable<TableEntity> RowsAsync(AccountId accountId, string webhookId, CancellationToken cancellation)
        => tables.Events.QueryAsync<TableEntity>(
            TableClient.CreateQueryFilter(
                $"PartitionKey eq {Keys.Partition(accountId, webhookId)} and RowKey ge {Keys.FailedPrefix} and RowKey lt {Keys.AfterFailed}"),
            cancellationToken: cancellation);
}
