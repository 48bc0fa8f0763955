using Azure;
using Azure.Data.Tables;
using Sessions.Model;

namespace Sessions.Storage;

/// <summary>
/// Who is in which session. A member row in the session's partition is the truth; the claim in the participant's row
/// makes it unique. No transaction spans the two, so every step is ordered such that a crash after it leaves a state
/// that the next request reads correctly. docs/design.md has the protocol and its invariants.
/// </summary>
public sealed class MembershipStore(Tables tables, SessionsOptions options, TimeProvider time)
{
    /// <summary>
    /// Puts a participant into a session. If it is there already, <paramref name="subscriptions"/> replace its own, and
    /// null leaves them. The precondition is on the participant.
    /// </summary>
    public async Task<Outcome> AddAsync(
        string accountId,
        Guid sessionId,
        Guid participantId,
        Subscriptions? subscriptions,
        Precondition precondition,
        CancellationToken cancellation)
    {
        var request = new AddRequest(accountId, sessionId, participantId, subscriptions, precondition, Guid.NewGuid().ToString());
        var attempts = new Attempts(time, cancellation);
        while (true)
        {
            if (await TryAddAsync(request, attempts) is { } outcome)
                return outcome;

            await attempts.PauseAsync();
        }
    }

    /// <summary>Takes a participant out of a session. The precondition is on the participant.</summary>
    public async Task<Outcome> RemoveAsync(
        string accountId, Guid sessionId, Guid participantId, Precondition precondition, CancellationToken cancellation)
    {
        var (participant, session) = await FindAsync(accountId, sessionId, participantId, cancellation);
        if (session is null)
            return Outcome.NoSession;
        if (participant is null)
            return Outcome.NoParticipant;

        var outcome = await RemoveAsync(accountId, session, participantId, precondition, new Attempts(time, cancellation));

        // Under the ETag from before the removal: a claim written since must stay. A crash before this line leaves a
        // stale claim, which every reader knows; so does a failure of it.
        if (outcome == Outcome.Done && participant.SessionId == sessionId)
        {
            await tables.Participants.TryMergeAsync(
                ParticipantRow.Claim(accountId, participantId, null), participant.ETag, cancellation);
        }

        return outcome;
    }

    /// <summary>What a member receives, or null when the participant is not in the session.</summary>
    public async Task<Tagged<Subscriptions>?> GetSubscriptionsAsync(
        string accountId, Guid sessionId, Guid participantId, CancellationToken cancellation)
    {
        var member = await FindMemberAsync(tables, accountId, sessionId, participantId, time, cancellation);
        return member is null ? null : new(member.Subscriptions, member.WriteId);
    }

    /// <summary>The member row, or null when there is none or it has expired.</summary>
    internal static async Task<MemberRow?> FindMemberAsync(
        Tables tables, string accountId, Guid sessionId, Guid participantId, TimeProvider time, CancellationToken cancellation)
    {
        var row = await tables.Sessions.FindAsync(Keys.Partition(accountId, sessionId), Keys.Member(participantId), cancellation);
        return row is not null && MemberRow.From(row) is var member && time.GetUtcNow() < member.Expires ? member : null;
    }

    /// <summary>
    /// Replaces what a member receives. A participant that is in no session joins this one. The precondition is on the
    /// participant.
    /// </summary>
    public async Task<Outcome> UpdateSubscriptionsAsync(
        string accountId,
        Guid sessionId,
        Guid participantId,
        Subscriptions subscriptions,
        Precondition precondition,
        CancellationToken cancellation)
    {
        if (precondition.IsSet)
            return await AddAsync(accountId, sessionId, participantId, subscriptions, precondition, cancellation);

        // In parallel: the write alone cannot tell a member that has expired. When it has, the write went to a row
        // that nothing reads any more.
        var reading = tables.Sessions.FindAsync(
            Keys.Partition(accountId, sessionId), Keys.Member(participantId), cancellation);
        var writing = SubscribeAsync(
            MemberRow.Subscribe(accountId, sessionId, participantId, subscriptions, Guid.NewGuid().ToString()), ETag.All, cancellation);
        await Task.WhenAll(reading, writing);

        if (!await writing)
            return await AddAsync(accountId, sessionId, participantId, subscriptions, Precondition.None, cancellation);

        return await reading is { } row && MemberRow.From(row).Expires <= time.GetUtcNow()
            ? Outcome.NotAMember
            : Outcome.Done;
    }

    /// <summary>One try to add; null when it met another change and has to start again.</summary>
    private async Task<Outcome?> TryAddAsync(AddRequest request, Attempts attempts)
    {
        var (participant, session) = await FindAsync(request.AccountId, request.SessionId, request.ParticipantId, attempts.Cancellation);
        if (session is null)
            return Outcome.NoSession;
        if (participant is null)
            return Outcome.NoParticipant;

        if (session.Member(request.ParticipantId) is { } member)
            return await ReplaceSubscriptionsAsync(request, member, attempts.Cancellation);
        if (IsFull(session))
            return Outcome.SessionFull;
        if (participant.SessionId is { } claimed
            && claimed != request.SessionId
            && await IsMemberElsewhereAsync(request.AccountId, claimed, request.ParticipantId, attempts))
        {
            return Outcome.InAnotherSession;
        }

        if (!request.Precondition.Holds(participant.VersionOutside))
            return Outcome.PreconditionFailed;

        var joining = new MemberRow(
            request.ParticipantId,
            participant.Fields,
            request.Subscriptions ?? Subscriptions.None,
            time.GetUtcNow(),
            participant.Expires < session.Header.Expires ? participant.Expires : session.Header.Expires)
        {
            WriteId = request.WriteId,
        };
        return await ClaimAndInsertAsync(request.AccountId, session, joining, participant.ETag, attempts);
    }

    private async Task<Outcome?> ReplaceSubscriptionsAsync(AddRequest request, MemberRow member, CancellationToken cancellation)
    {
        // This request's own write, whose answer was lost.
        if (member.WriteId == request.WriteId)
            return Outcome.Done;
        if (!request.Precondition.Holds(member.WriteId))
            return Outcome.PreconditionFailed;
        if (request.Subscriptions is null)
            return Outcome.Done;

        return await SubscribeAsync(
            MemberRow.Subscribe(request.AccountId, request.SessionId, request.ParticipantId, request.Subscriptions, request.WriteId),
            member.ETag,
            cancellation)
                ? Outcome.Done
                : null;
    }

    /// <summary>Replaces what a member receives; false when nothing changed: its row is not there, has another ETag, or was not reached.</summary>
    private async Task<bool> SubscribeAsync(TableEntity row, ETag etag, CancellationToken cancellation)
    {
        var write = await tables.Sessions.TryMergeAsync(row, etag, cancellation);
        if (write.Outcome != WriteOutcome.Unknown)
            return write.Outcome == WriteOutcome.Done;

        var stored = await tables.Sessions.FindAsync(row.PartitionKey, row.RowKey, cancellation);
        if (stored?.GetString(Columns.WriteId) == row.GetString(Columns.WriteId))
            return true;

        // The row is as it was: under its ETag this write changes it once, however often it is sent. Otherwise nobody can
        // tell any more, and to write again could undo another change.
        return stored?.ETag == etag ? false : throw Unsettled();
    }

    /// <summary>
    /// The end of a join. The header ETag under which the member is inserted was always read before the claim write
    /// that precedes the insert: so whoever rewrites the header (a fence), and finds the claim unchanged after it, knows
    /// that this insert cannot land. That is why a lost insert claims again, and a look at the claim would not do.
    /// </summary>
    private async Task<Outcome?> ClaimAndInsertAsync(
        string accountId, SessionPartition session, MemberRow member, ETag participantETag, Attempts attempts)
    {
        var sessionId = session.Header.Id;
        var etag = participantETag;
        var mayBeDone = false;
        while (true)
        {
            var claim = await tables.Participants.TryMergeAsync(
                ParticipantRow.Claim(accountId, member.ParticipantId, sessionId), etag, attempts.Cancellation);
            if (claim.Outcome != WriteOutcome.Done)
                return null;
            etag = claim.ETag;

            var insert = await session.AddAsync(member.ToEntity(accountId, sessionId), time.GetUtcNow(), attempts.Cancellation);
            if (insert.Outcome == WriteOutcome.Done)
                return Outcome.Done;

            mayBeDone |= insert.Outcome == WriteOutcome.Unknown;
            await attempts.PauseAsync();
            var reread = await FindLiveAsync(accountId, sessionId, attempts.Cancellation);
            if (mayBeDone && reread?.Header.ETag != session.Header.ETag)
            {
                // Behind another change nobody can tell any more: to insert again could undo a leave that was answered.
                return reread?.Member(member.ParticipantId)?.WriteId == member.WriteId ? Outcome.Done : throw Unsettled();
            }

            if (reread is null)
                return Outcome.NoSession;
            session = reread;
            if (session.Member(member.ParticipantId) is not null)
                return null;
            if (IsFull(session))
                return Outcome.SessionFull;
        }
    }

    /// <summary>
    /// Whether the participant is in the session that it claims. If it is not, its claim is stale or its join on the
    /// way, and a fence sees to it that such a join cannot land.
    /// </summary>
    private async Task<bool> IsMemberElsewhereAsync(string accountId, Guid claimed, Guid participantId, Attempts attempts)
    {
        while (true)
        {
            var other = await SessionPartition.FindAsync(tables.Sessions, accountId, claimed, attempts.Cancellation);
            if (other is null)
                return false;
            if (other.LiveMembers(time.GetUtcNow()).Any(member => member.ParticipantId == participantId))
                return true;
            if ((await other.FenceAsync(attempts.Cancellation)).Outcome == WriteOutcome.Done)
                return false;

            await attempts.PauseAsync();
        }
    }

    private async Task<Outcome> RemoveAsync(
        string accountId, SessionPartition session, Guid participantId, Precondition precondition, Attempts attempts)
    {
        HashSet<string> writeIds = [];
        var mayBeDone = false;
        while (session.Member(participantId) is { } member)
        {
            if (!precondition.Holds(member.WriteId))
                return Outcome.PreconditionFailed;

            var writeId = Guid.NewGuid();
            writeIds.Add(writeId.ToString());
            var write = await session.RemoveAsync(
                participantId, precondition.IsSet ? member.ETag : ETag.All, writeId, attempts.Cancellation);
            if (write.Outcome == WriteOutcome.Done)
                return Outcome.Done;

            mayBeDone |= write.Outcome == WriteOutcome.Unknown;
            await attempts.PauseAsync();
            if (await FindLiveAsync(accountId, session.Header.Id, attempts.Cancellation) is not { } reread)
                return mayBeDone ? Outcome.Done : Outcome.NoSession;

            // It may be in again after this removal: to remove it again could undo a join that was answered.
            if (mayBeDone && reread.Header.ETag != session.Header.ETag && reread.Member(participantId) is not null)
                throw Unsettled();
            session = reread;
        }

        return mayBeDone || (session.Header.WriteId is { } last && writeIds.Contains(last))
            ? Outcome.Done
            : Outcome.NotAMember;
    }

    private async Task<(ParticipantRow? Participant, SessionPartition? Session)> FindAsync(
        string accountId, Guid sessionId, Guid participantId, CancellationToken cancellation)
    {
        var participant = ParticipantStore.FindAsync(tables, accountId, participantId, time.GetUtcNow(), cancellation);
        var session = FindLiveAsync(accountId, sessionId, cancellation);
        await Task.WhenAll(participant, session);
        return (await participant, await session);
    }

    private async Task<SessionPartition?> FindLiveAsync(string accountId, Guid sessionId, CancellationToken cancellation)
        => await SessionPartition.FindAsync(tables.Sessions, accountId, sessionId, cancellation) is { } session
            && time.GetUtcNow() < session.Header.Expires
                ? session
                : null;

    private static StorageUnavailableException Unsettled() => new("A write got no answer, and another change has covered what it did.");

    private bool IsFull(SessionPartition session)
        => session.LiveMembers(time.GetUtcNow()).Count() >= options.ParticipantsPerSession;

    /// <summary>What is asked for, and the <see cref="MemberRow.WriteId"/> of the row that it writes, in whichever try.</summary>
    private sealed record AddRequest(
        string AccountId, Guid SessionId, Guid ParticipantId, Subscriptions? Subscriptions, Precondition Precondition, string WriteId);
}
