using Azure.Data.Tables;
using Sessions.Model;
using Sessions.Storage;

namespace Sessions.Webhooks;

/// <summary>
/// How far the callback URL of a participant has been told of its devices: a row in the participant's partition, which is rewritten
/// under its ETag.
/// </summary>
internal sealed record CallbackRow(AccountId AccountId, ParticipantId ParticipantId)
{
    /// <summary>The last row of the outbox that the URL has been told of, or that was given up.</summary>
    public long Position { get; init; }

    /// <summary>How often the next row was tried.</summary>
    public int Attempts { get; init; }

    /// <summary>Why the last try failed; empty when there was none.</summary>
    public string Reason { get; init; } = "";

    /// <summary>When the next row may be tried.</summary>
    public DateTimeOffset Next { get; init; } = DateTimeOffset.UnixEpoch;

    /// <summary>Until when one server alone may send.</summary>
    public DateTimeOffset LeaseUntil { get; init; } = DateTimeOffset.UnixEpoch;

    /// <summary>When the receiver returned 410, and gets nothing any more; null while it is called.</summary>
    public DateTimeOffset? EndedAt { get; init; }

    /// <summary>Until when the row is kept: as long as that of the devices.</summary>
    public DateTimeOffset Expires { get; init; } = DateTimeOffset.UnixEpoch;

    private Azure.ETag ETag { get; init; }

    /// <summary>Reads the row; one from before the first try when there is none. One storage call.</summary>
    public static async Task<CallbackRow> FindAsync(TableClient table, AccountId accountId, ParticipantId id, CancellationToken cancellation)
        => await table.FindAsync(Keys.Partition(accountId, id), Keys.Callback, cancellation) is { } row
            ? new(accountId, id)
            {
                Position = row.GetInt64(Columns.Position)!.Value,
                Attempts = row.GetInt32(Columns.Attempts)!.Value,
                Reason = row.GetString(Columns.Reason),
                Next = row.GetDateTimeOffset(Columns.Next)!.Value,
                LeaseUntil = row.GetDateTimeOffset(Columns.LeaseUntil)!.Value,
                EndedAt = row.GetDateTimeOffset(Columns.EndedAt),
                Expires = row.GetDateTimeOffset(Columns.Expires)!.Value,
                ETag = row.ETag,
            }
            : new(accountId, id);

    /// <summary>The row when the next one is delivered or given up.</summary>
    public CallbackRow Behind(long position) => this with { Position = position, Attempts = 0, Reason = "" };

    /// <summary>
    /// Stores this row, if the stored one is still the one that was read. Null when it is not, or when nobody knows: then another server
    /// has to go on from the stored row. One storage call.
    /// </summary>
    public async Task<CallbackRow?> TryWriteAsync(TableClient table, CancellationToken cancellation)
    {
        var row = new TableEntity(Keys.Partition(AccountId, ParticipantId), Keys.Callback)
        {
            [Columns.Position] = Position,
            [Columns.Attempts] = Attempts,
            [Columns.Reason] = Reason,
            [Columns.Next] = Next,
            [Columns.LeaseUntil] = LeaseUntil,
            [Columns.EndedAt] = EndedAt,
            [Columns.Expires] = Expires,
        };
        var write = await table.TryAddOrMergeAsync(row, ETag, cancellation);
        return write.Outcome == WriteOutcome.Done ? this with { ETag = write.ETag } : null;
    }
}
