using Azure.Data.Tables;
using Sessions.Model;
using Sessions.Storage;

namespace Sessions.Webhooks;

/// <summary>
/// The progress of a participant's callback URL: a row in the participant's partition, which is rewritten under its ETag.
/// </summary>
internal sealed record CallbackRow(AccountId AccountId, ParticipantId ParticipantId)
{
    /// <summary>The last row of the outbox that was delivered or that failed for good.</summary>
    public long Position { get; init; }

    /// <summary>The number of tries of the next row.</summary>
    public int Attempts { get; init; }

    /// <summary>The reason for which the last try failed, or empty if there was none.</summary>
    public string Reason { get; init; } = "";

    /// <summary>When the next row may be tried.</summary>
    public DateTimeOffset Next { get; init; } = DateTimeOffset.UnixEpoch;

    /// <summary>Until when only one server may send.</summary>
    public DateTimeOffset LeaseUntil { get; init; } = DateTimeOffset.UnixEpoch;

    /// <summary>When the receiver returned 410, after which it is no longer called. Null while it is called.</summary>
    public DateTimeOffset? EndedAt { get; init; }

    /// <summary>When the row expires, which is when the row of the devices expires.</summary>
    public DateTimeOffset Expires { get; init; } = DateTimeOffset.UnixEpoch;

    private Azure.ETag ETag { get; init; }

    /// <summary>Reads the row. If it does not exist, returns a row from before the first try. One storage call.</summary>
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

    /// <summary>Returns the row after the next event was delivered or failed for good.</summary>
    public CallbackRow Behind(long position) => this with { Position = position, Attempts = 0, Reason = "" };

    /// <summary>
    /// Stores this row if the stored row has not changed since it was read. Returns null if it has changed, or if it is unknown whether the
    /// write succeeded. Another server must then continue from the stored row. One storage call.
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
