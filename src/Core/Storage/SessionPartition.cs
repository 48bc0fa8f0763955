using Azure;
using Azure.Data.Tables;
using Sessions.Model;

namespace Sessions.Storage;

/// <summary>
/// A session's header as it was read, and the transactions that change the session's partition. Each transaction that changes the
/// membership also writes the next row of the outbox.
/// </summary>
internal sealed class SessionPartition(TableClient table, AccountId accountId, HeaderRow header)
{
    // A join rewrites the header, and inserts the member and the row of the outbox. Any further expired members are left for the next
    // change.
    private const int MaxExpiredInJoin = TableCalls.MaxTransactionActions - 3;

    public HeaderRow Header => header;

    /// <summary>Reads the header, even if it has expired. Returns null if it does not exist. One storage call.</summary>
    public static async Task<SessionPartition?> FindAsync(
        TableClient table, AccountId accountId, SessionId sessionId, CancellationToken cancellation)
        => await HeaderRow.FindAsync(table, accountId, sessionId, cancellation) is { } header ? new(table, accountId, header) : null;

    /// <summary>Rewrites the header, so that the insert of any join that read it before fails. One storage call.</summary>
    public async Task<Write> FenceAsync(CancellationToken cancellation)
    {
        var write = await table.TryMergeAsync(HeaderRow.FenceChange(accountId, header.Id), header.ETag, cancellation);
        if (write.Outcome == WriteOutcome.Done)
            Telemetry.ClaimsFenced.Add(1);
        return write;
    }

    /// <summary>
    /// Inserts a member and deletes the expired members. <paramref name="after"/> are the changes that removed the participant from other
    /// sessions. One storage call.
    /// </summary>
    public Task<Write> AddAsync(MemberRow member, Predecessors after, ChangeTime time, CancellationToken cancellation)
    {
        var expired = header.Members.Expired(time.Now).Take(MaxExpiredInJoin).ToArray();
        var members = header.Members.Without(expired.Select(entry => entry.ParticipantId)).With(new(member.ParticipantId, member.Expires));
        StoredEvent joined = new(EventTypes.ParticipantJoined, time.Now, member.ParticipantId.Value);
        return table.TrySubmitAsync(
            [
                RewriteHeader(members, Guid.NewGuid()),
                new(TableTransactionActionType.Add, member.ToEntity(accountId, header.Id)),
                .. expired.Select(entry => Delete(Keys.Member(entry.ParticipantId), ETag.All)),
                (NextEvent([.. expired.Select(Expired), joined], time) with { After = after }).ToAction(),
            ],
            cancellation);
    }

    /// <summary>
    /// Deletes a member if its row has the ETag. The header's last write id is then <paramref name="writeId"/>. One storage call.
    /// </summary>
    public Task<Write> RemoveAsync(
        ParticipantId participantId, string reason, ETag etag, Guid writeId, ChangeTime time, CancellationToken cancellation)
    {
        StoredEvent left = new(EventTypes.ParticipantLeft, time.Now, participantId.Value, Reason: reason);
        return table.TrySubmitAsync(
            [
                RewriteHeader(header.Members.Without([participantId]), writeId),
                Delete(Keys.Member(participantId), etag),
                NextEvent([left], time).ToAction(),
            ],
            cancellation);
    }

    /// <summary>Deletes the expired members. One storage call.</summary>
    public Task<Write> DropExpiredAsync(ChangeTime time, CancellationToken cancellation)
    {
        var expired = header.Members.Expired(time.Now).Take(MaxExpiredInJoin).ToArray();
        return table.TrySubmitAsync(
            [
                RewriteHeader(header.Members.Without(expired.Select(entry => entry.ParticipantId)), Guid.NewGuid()),
                .. expired.Select(entry => Delete(Keys.Member(entry.ParticipantId), ETag.All)),
                NextEvent([.. expired.Select(Expired)], time).ToAction(),
            ],
            cancellation);
    }

    /// <summary>Deletes the session with all its members. One storage call.</summary>
    public Task<Write> DeleteAsync(ChangeTime time, CancellationToken cancellation)
        => DeleteAsync(EventTypes.SessionDeleted, time.Now, time, cancellation);

    /// <summary>Deletes the session after it has expired, with all its members. One storage call.</summary>
    public Task<Write> EndAsync(ChangeTime time, CancellationToken cancellation)
        => DeleteAsync(EventTypes.SessionEnded, header.Expires, time, cancellation);

    private Task<Write> DeleteAsync(string type, DateTimeOffset end, ChangeTime time, CancellationToken cancellation)
    {
        var left = header.Members.Entries.Select(entry => entry.IsLive(end) || entry.Expires == header.Expires
            ? new(EventTypes.ParticipantLeft, end, entry.ParticipantId.Value, Reason: LeaveReasons.SessionEnded)
            : Expired(entry));
        return table.TrySubmitAsync(
            [
                Delete(Keys.Header, header.ETag),
                .. header.Members.Entries.Select(entry => Delete(Keys.Member(entry.ParticipantId), ETag.All)),
                NextEvent([.. left, new(type, end)], time).ToAction(),
            ],
            cancellation);
    }

    private static StoredEvent Expired(MemberEntry entry)
        => new(EventTypes.ParticipantLeft, entry.Expires, entry.ParticipantId.Value, Reason: LeaveReasons.Expired);

    private EventRow NextEvent(IReadOnlyList<StoredEvent> events, ChangeTime time)
        => new(Keys.Partition(accountId, header.Id), header.Events + 1, events, time.EventsExpire);

    private TableTransactionAction RewriteHeader(MemberSet members, Guid writeId)
        => new(
            TableTransactionActionType.UpdateMerge,
            HeaderRow.MembersChange(accountId, header.Id, members, header.Events + 1, writeId),
            header.ETag);

    private TableTransactionAction Delete(string rowKey, ETag etag)
        => new(TableTransactionActionType.Delete, new TableEntity(Keys.Partition(accountId, header.Id), rowKey), etag);
}
