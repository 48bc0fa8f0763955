using Azure;
using Azure.Data.Tables;
using Sessions.Model;

namespace Sessions.Storage;

/// <summary>A session's header and members as one query answered them, and the transactions that change them.</summary>
internal sealed class SessionPartition
{
    private readonly AccountId _accountId;
    private readonly TableClient _table;

    private SessionPartition(TableClient table, AccountId accountId, HeaderRow header, IReadOnlyList<MemberRow> members)
    {
        _table = table;
        _accountId = accountId;
        Header = header;
        Members = members;
    }

    public HeaderRow Header { get; }

    /// <summary>Every member row, those that have expired too.</summary>
    public IReadOnlyList<MemberRow> Members { get; }

    /// <summary>Reads the partition; null when there is no header. One storage call.</summary>
    public static async Task<SessionPartition?> FindAsync(
        TableClient table, AccountId accountId, SessionId sessionId, CancellationToken cancellation)
    {
        var partitionKey = Keys.Partition(accountId, sessionId);
        HeaderRow? header = null;
        List<MemberRow> members = [];
        var rows = table.QueryAsync<TableEntity>(
            TableClient.CreateQueryFilter($"PartitionKey eq {partitionKey}"), cancellationToken: cancellation);
        await foreach (var row in rows)
        {
            if (row.RowKey == Keys.Header)
                header = HeaderRow.From(row, sessionId);
            else if (Keys.IsMember(row.RowKey))
                members.Add(MemberRow.From(row));
        }

        return header is null ? null : new(table, accountId, header, members);
    }

    public MemberRow? Member(ParticipantId participantId) => Members.FirstOrDefault(member => member.ParticipantId == participantId);

    /// <summary>The members that have not expired.</summary>
    public IEnumerable<MemberRow> LiveMembers(DateTimeOffset now) => Members.Where(member => member.IsLive(now));

    /// <summary>Rewrites the header, so that no join that read it before can land. One storage call.</summary>
    public async Task<Write> FenceAsync(CancellationToken cancellation)
    {
        var write = await _table.TryMergeAsync(HeaderRow.FenceChange(_accountId, Header.Id), Header.ETag, cancellation);
        if (write.Outcome == WriteOutcome.Done)
            Telemetry.ClaimsFenced.Add(1);
        return write;
    }

    /// <summary>Inserts a member and drops those that have expired. One storage call.</summary>
    public Task<Write> AddAsync(TableEntity member, DateTimeOffset now, CancellationToken cancellation)
        => _table.TrySubmitAsync(
            [
                RewriteHeader(Guid.NewGuid()),
                new(TableTransactionActionType.Add, member),
                .. Members.Where(other => !other.IsLive(now)).Select(other => Delete(Keys.Member(other.ParticipantId), ETag.All)),
            ],
            cancellation);

    /// <summary>Deletes a member row that has the ETag; afterwards the header has <paramref name="writeId"/>. One storage call.</summary>
    public Task<Write> RemoveAsync(ParticipantId participantId, ETag etag, Guid writeId, CancellationToken cancellation)
        => _table.TrySubmitAsync([RewriteHeader(writeId), Delete(Keys.Member(participantId), etag)], cancellation);

    /// <summary>Deletes the session with all its members. One storage call.</summary>
    public Task<Write> DeleteAsync(CancellationToken cancellation)
        => _table.TrySubmitAsync(
            [Delete(Keys.Header, Header.ETag), .. Members.Select(member => Delete(Keys.Member(member.ParticipantId), ETag.All))],
            cancellation);

    private TableTransactionAction RewriteHeader(Guid writeId)
        => new(TableTransactionActionType.UpdateMerge, HeaderRow.MembersChange(_accountId, Header.Id, writeId), Header.ETag);

    private TableTransactionAction Delete(string rowKey, ETag etag)
        => new(TableTransactionActionType.Delete, new TableEntity(Keys.Partition(_accountId, Header.Id), rowKey), etag);
}
