using Azure;
using Azure.Data.Tables;
using Sessions.Model;

namespace Sessions.Storage;

/// <summary>A session's header as it was read, and the transactions that change the session's partition.</summary>
internal sealed class SessionPartition(TableClient table, AccountId accountId, HeaderRow header)
{
    public HeaderRow Header => header;

    /// <summary>Reads the header, also one that has expired; null when there is none. One storage call.</summary>
    public static async Task<SessionPartition?> FindAsync(
        TableClient table, AccountId accountId, SessionId sessionId, CancellationToken cancellation)
        => await HeaderRow.FindAsync(table, accountId, sessionId, cancellation) is { } header ? new(table, accountId, header) : null;

    /// <summary>Rewrites the header, so that no join that read it before can land. One storage call.</summary>
    public async Task<Write> FenceAsync(CancellationToken cancellation)
    {
        var write = await table.TryMergeAsync(HeaderRow.FenceChange(accountId, header.Id), header.ETag, cancellation);
        if (write.Outcome == WriteOutcome.Done)
            Telemetry.ClaimsFenced.Add(1);
        return write;
    }

    /// <summary>Inserts a member and drops those that have expired. One storage call.</summary>
    public Task<Write> AddAsync(MemberRow member, DateTimeOffset now, CancellationToken cancellation)
    {
        var expired = header.Members.Expired(now).Select(entry => entry.ParticipantId).ToArray();
        var members = header.Members.Without(expired).With(new(member.ParticipantId, member.Expires));
        return table.TrySubmitAsync(
            [
                RewriteHeader(members, Guid.NewGuid()),
                new(TableTransactionActionType.Add, member.ToEntity(accountId, header.Id)),
                .. expired.Select(id => Delete(Keys.Member(id), ETag.All)),
            ],
            cancellation);
    }

    /// <summary>
    /// Deletes a member whose row has the ETag; afterwards the header has <paramref name="writeId"/>. One storage call.
    /// </summary>
    public Task<Write> RemoveAsync(ParticipantId participantId, ETag etag, Guid writeId, CancellationToken cancellation)
        => table.TrySubmitAsync(
            [RewriteHeader(header.Members.Without([participantId]), writeId), Delete(Keys.Member(participantId), etag)], cancellation);

    /// <summary>Deletes the session with all its members. One storage call.</summary>
    public Task<Write> DeleteAsync(CancellationToken cancellation)
        => table.TrySubmitAsync(
            [
                Delete(Keys.Header, header.ETag),
                .. header.Members.Entries.Select(entry => Delete(Keys.Member(entry.ParticipantId), ETag.All)),
            ],
            cancellation);

    private TableTransactionAction RewriteHeader(MemberSet members, Guid writeId)
        => new(TableTransactionActionType.UpdateMerge, HeaderRow.MembersChange(accountId, header.Id, members, writeId), header.ETag);

    private TableTransactionAction Delete(string rowKey, ETag etag)
        => new(TableTransactionActionType.Delete, new TableEntity(Keys.Partition(accountId, header.Id), rowKey), etag);
}
