using Azure;
using Azure.Data.Tables;
using Sessions.Storage;

namespace Sessions.Webhooks;

/// <summary>
/// How far a webhook has come, in its rows: the cursor, up to which every event of the log is delivered or has a row of its own; the
/// held events; and the lease of the one server that sends. Each change rewrites the cursor under its ETag, so that a server whose
/// lease another has taken over can change nothing any more.
/// </summary>
internal sealed class WebhookProgress
{
    /// <summary>How long the lease lasts after each change. Longer than a try, with which a lease must not end.</summary>
    public static readonly TimeSpan LeaseTime = TimeSpan.FromSeconds(60);

    private readonly TableClient _table;
    private readonly string _partitionKey;
    private readonly string _holder;
    private ETag _etag;

    private WebhookProgress(TableClient table, string partitionKey, string holder)
        => (_table, _partitionKey, _holder) = (table, partitionKey, holder);

    /// <summary>Everything up to it is delivered or held.</summary>
    public long Position { get; private set; }

    public DateTimeOffset LeaseUntil { get; private set; }

    /// <summary>Until when the receiver wants nothing.</summary>
    public DateTimeOffset PausedUntil { get; set; } = DateTimeOffset.UnixEpoch;

    /// <summary>When the last message that was put into the queue becomes visible.</summary>
    public DateTimeOffset Wake { get; set; } = DateTimeOffset.UnixEpoch;

    /// <summary>The events that were held when the lease was taken.</summary>
    public IReadOnlyList<PendingEvent> Held { get; private set; } = [];

    /// <summary>Whether this server holds the lease. Otherwise <see cref="LeaseUntil"/> says until when another one does.</summary>
    public bool IsHolder { get; private set; }

    /// <summary>Reads the rows and takes the lease, unless another server holds it. One query and one write.</summary>
    public static async Task<WebhookProgress> TakeAsync(TableClient table, Webhook webhook, DateTimeOffset now, CancellationToken cancellation)
    {
        var partitionKey = Keys.Partition(webhook.AccountId, webhook.Id);
        var progress = new WebhookProgress(table, partitionKey, Guid.NewGuid().ToString("N")) { Position = webhook.Position };
        await progress.ReadAsync(now, cancellation);
        if (progress.LeaseUntil > now)
            return progress;

        var write = await table.TryAddOrMergeAsync(progress.Cursor(now + LeaseTime), progress._etag, cancellation);

        // Another has just taken it, or may have; or nobody knows whether this one has.
        progress.LeaseUntil = now + LeaseTime;
        progress.IsHolder = write.Outcome == WriteOutcome.Done;
        progress._etag = write.ETag;
        return progress;
    }

    /// <summary>
    /// Writes changes of held events, and then the cursor: as many transactions as it takes, which all renew the lease. False when
    /// another server has taken over, or when it is not known whether a change is stored: then another has to go on from the rows.
    /// </summary>
    /// <param name="changes">Changes of other rows of this partition.</param>
    /// <param name="position">The cursor, when all of the changes are made.</param>
    /// <param name="now">The time.</param>
    /// <param name="release">Whether to give the lease back.</param>
    /// <param name="cancellation">Ends the wait.</param>
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
    /// The cursor is the first row of the query, and its ETag guards the lease: were a held event to change while later pages are
    /// read, the lease could not be taken.
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
