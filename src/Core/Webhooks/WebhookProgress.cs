using Azure;
using Azure.Data.Tables;
using Sessions.Storage;

namespace Sessions.Webhooks;

/// <summary>
/// The progress of a webhook in its rows. The cursor is the position up to which every event of the log is delivered or has a row of its
/// own. The other rows are the held events. The row of the cursor also has the lease of the one server that sends. Each change rewrites it
/// under its ETag, so a server that has lost its lease can write nothing more.
/// </summary>
internal sealed class WebhookProgress
{
    /// <summary>How long the lease lasts after each change. It must last longer than a try.</summary>
    public static readonly TimeSpan LeaseTime = TimeSpan.FromSeconds(60);

    private readonly TableClient _table;
    private readonly string _partitionKey;
    private readonly string _holder;
    private ETag _etag;

    private WebhookProgress(TableClient table, string partitionKey, string holder)
        => (_table, _partitionKey, _holder) = (table, partitionKey, holder);

    /// <summary>The position up to which every event is delivered or held.</summary>
    public long Position { get; private set; }

    public DateTimeOffset LeaseUntil { get; private set; }

    /// <summary>Until when nothing is sent, because the receiver requested a pause.</summary>
    public DateTimeOffset PausedUntil { get; set; } = DateTimeOffset.UnixEpoch;

    /// <summary>When the last message in the queue for this webhook becomes visible.</summary>
    public DateTimeOffset Wake { get; set; } = DateTimeOffset.UnixEpoch;

    /// <summary>The held events when the lease was taken.</summary>
    public IReadOnlyList<PendingEvent> Held { get; private set; } = [];

    /// <summary>Whether this server has the lease. Otherwise <see cref="LeaseUntil"/> is when the lease of another server ends.</summary>
    public bool IsHolder { get; private set; }

    /// <summary>Reads the rows and takes the lease, unless another server has it. One query and one write.</summary>
    public static async Task<WebhookProgress> TakeAsync(TableClient table, Webhook webhook, DateTimeOffset now, CancellationToken cancellation)
    {
        var partitionKey = Keys.Partition(webhook.AccountId, webhook.Id);
        var progress = new WebhookProgress(table, partitionKey, Guid.NewGuid().ToString("N")) { Position = webhook.Position };
        await progress.ReadAsync(now, cancellation);
        if (progress.LeaseUntil > now)
            return progress;

        var write = await table.TryAddOrMergeAsync(progress.Cursor(now + LeaseTime), progress._etag, cancellation);

        // Another server may have taken the lease first, or the response was lost.
        progress.LeaseUntil = now + LeaseTime;
        progress.IsHolder = write.Outcome == WriteOutcome.Done;
        progress._etag = write.ETag;
        return progress;
    }

    /// <summary>
    /// Writes changes of held events, and then the cursor. This takes one or more transactions, each of which renews the lease. Returns
    /// false if another server has taken over, or if it is unknown whether a change is stored. Another server must then continue from the
    /// rows.
    /// </summary>
    /// <param name="changes">The changes of other rows of this partition.</param>
    /// <param name="position">The position of the cursor after all changes.</param>
    /// <param name="now">The current time.</param>
    /// <param name="release">Whether to release the lease.</param>
    /// <param name="cancellation">Cancels the wait.</param>
    public async Task<bool> CommitAsync(
        IReadOnlyList<TableTransactionAction> changes, long position, DateTimeOffset now, bool release, CancellationToken cancellation)
    {
        var chunks = changes.Chunk(TableCalls.MaxTransactionActions - 1).DefaultIfEmpty([]).ToArray();
        for (var index = 0; index < chunks.Length; index++)
        {
            var isLast = index == chunks.Length - 1;
            if (isLast)
                Position = position;
            LeaseUntil = isLast && release ? DateTimeOffset.UnixEpoch : now + LeaseTime;
            var write = await _table.TrySubmitAsync(
                [new(TableTransactionActionType.UpdateMerge, Cursor(LeaseUntil), _etag), .. chunks[index]], cancellation);
            if (write.Outcome != WriteOutcome.Done)
                return IsHolder = false;

            _etag = write.ETag;
        }

        return true;
    }

    public TableTransactionAction Hold(PendingEvent held) => new(TableTransactionActionType.UpsertReplace, WebhookRows.Held(_partitionKey, held));

    public TableTransactionAction Delete(PendingEvent held)
        => new(TableTransactionActionType.Delete, new TableEntity(_partitionKey, Keys.Held(held.Position)), ETag.All);

    public TableTransactionAction Fail(PendingEvent failed, DateTimeOffset now)
        => new(TableTransactionActionType.UpsertReplace, WebhookRows.Failed(_partitionKey, failed, now));

    private TableEntity Cursor(DateTimeOffset leaseUntil) => new(_partitionKey, Keys.WebhookCursor)
    {
        [Columns.Position] = Position,
        [Columns.Holder] = leaseUntil == DateTimeOffset.UnixEpoch ? "" : _holder,
        [Columns.LeaseUntil] = leaseUntil,
        [Columns.PausedUntil] = PausedUntil,
        [Columns.Wake] = Wake,
    };

    /// <summary>
    /// Reads the cursor and the held events. The cursor is the first row of the query, and its ETag protects the lease. If a held event
    /// changes while later pages are read, the lease cannot be taken.
    /// </summary>
    private async Task ReadAsync(DateTimeOffset now, CancellationToken cancellation)
    {
        var rows = _table.QueryAsync<TableEntity>(
            TableClient.CreateQueryFilter(
                $"PartitionKey eq {_partitionKey} and (RowKey eq {Keys.WebhookCursor} or (RowKey ge {Keys.HeldPrefix} and RowKey lt {Keys.AfterHeld}))"),
            cancellationToken: cancellation);
        List<PendingEvent> held = [];
        await foreach (var row in rows)
        {
            if (row.RowKey != Keys.WebhookCursor)
            {
                held.Add(WebhookRows.ToHeld(row));
                continue;
            }

            _etag = row.ETag;
            Position = row.GetInt64(Columns.Position)!.Value;
            LeaseUntil = row.GetDateTimeOffset(Columns.LeaseUntil)!.Value;
            PausedUntil = row.GetDateTimeOffset(Columns.PausedUntil)!.Value;
            Wake = row.GetDateTimeOffset(Columns.Wake)!.Value;
            if (LeaseUntil > now)
                return;
        }

        Held = held;
    }
}
