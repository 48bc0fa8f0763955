using Azure;
using Azure.Data.Tables;
using Sessions.Model;

namespace Sessions.Storage;

/// <summary>
/// Who is in which session: joins, leaves, deletions and the fence between them, in the order of docs/design.md, which has the
/// protocol and its invariants. A member row in the session's partition is the truth; the claim in the participant's row makes
/// it unique. No transaction spans the two, so every step is ordered such that a crash after it leaves a state that the next
/// request reads correctly.
/// </summary>
public sealed class MembershipStore(Tables tables, SessionsOptions options, TimeProvider time)
{
    /// <summary>
    /// Puts a participant into a session. If it is there already, <paramref name="subscriptions"/> replace its own, and
    /// null leaves them. The precondition is on the participant.
    /// </summary>
    public async Task<Outcome> JoinAsync(
        AccountId accountId,
        SessionId sessionId,
        ParticipantId participantId,
        Subscriptions? subscriptions,
        Precondition precondition,
        CancellationToken cancellation)
    {
        var request = new JoinRequest(accountId, sessionId, participantId, subscriptions, precondition, Guid.NewGuid().ToString());
        var budget = new RetryBudget(time, cancellation);
        while (true)
        {
            if (await TryJoinAsync(request, budget) is { } outcome)
                return outcome;

            await budget.PauseAsync();
        }
    }

    /// <summary>One try to join; null when it met another change and has to start again.</summary>
    private async Task<Outcome?> TryJoinAsync(JoinRequest request, RetryBudget budget)
    {
        var (participant, session) = await FindLiveAsync(request.AccountId, request.SessionId, request.ParticipantId, budget.Cancellation);
        if (session is null)
            return Outcome.NoSession;
        if (participant is null)
            return Outcome.NoParticipant;

        if (session.Member(request.ParticipantId) is { } member)
            return await ReplaceSubscriptionsAsync(request, member, budget.Cancellation);
        if (IsFull(session))
            return Outcome.SessionFull;
        if (participant.SessionId is { } claimed
            && claimed != request.SessionId
            && await IsMemberElsewhereAsync(request.AccountId, claimed, request.ParticipantId, budget))
        {
            return Outcome.InAnotherSession;
        }

        if (!request.Precondition.Holds(participant.EntityTag))
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
        return await ClaimAndInsertAsync(request.AccountId, session, joining, participant.ETag, budget);
    }

    /// <summary>
    /// The end of a join. The header ETag under which the member is inserted was always read before the claim write
    /// that precedes the insert: so whoever rewrites the header (a fence), and finds the claim unchanged after it, knows
    /// that this insert cannot land. That is why a lost insert claims again, and a look at the claim would not do.
    /// </summary>
    private async Task<Outcome?> ClaimAndInsertAsync(
        AccountId accountId, SessionPartition session, MemberRow member, ETag participantETag, RetryBudget budget)
    {
        var sessionId = session.Header.Id;
        var etag = participantETag;
        var mayBeDone = false;
        while (true)
        {
            var claim = await tables.Participants.TryMergeAsync(
                ParticipantRow.ClaimChange(accountId, member.ParticipantId, sessionId), etag, budget.Cancellation);
            if (claim.Outcome != WriteOutcome.Done)
                return null;
            etag = claim.ETag;

            var insert = await session.AddAsync(member.ToEntity(accountId, sessionId), time.GetUtcNow(), budget.Cancellation);
            if (insert.Outcome == WriteOutcome.Done)
                return Outcome.Done;

            mayBeDone |= insert.Outcome == WriteOutcome.Unknown;
            await budget.PauseAsync();
            var reread = await FindLiveAsync(accountId, sessionId, budget.Cancellation);
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
    private async Task<bool> IsMemberElsewhereAsync(AccountId accountId, SessionId claimed, ParticipantId participantId, RetryBudget budget)
    {
        while (true)
        {
            var other = await SessionPartition.FindAsync(tables.Sessions, accountId, claimed, budget.Cancellation);
            if (other is null)
                return false;
            if (other.LiveMembers(time.GetUtcNow()).Any(member => member.ParticipantId == participantId))
                return true;
            if ((await other.FenceAsync(budget.Cancellation)).Outcome == WriteOutcome.Done)
                return false;

            await budget.PauseAsync();
        }
    }

    /// <summary>Takes a participant out of a session. The precondition is on the participant.</summary>
    public async Task<Outcome> LeaveAsync(
        AccountId accountId, SessionId sessionId, ParticipantId participantId, Precondition precondition, CancellationToken cancellation)
    {
        var (participant, session) = await FindLiveAsync(accountId, sessionId, participantId, cancellation);
        if (session is null)
            return Outcome.NoSession;
        if (participant is null)
            return Outcome.NoParticipant;

        var outcome = await RemoveAsync(accountId, session, participantId, precondition, new RetryBudget(time, cancellation));

        // Under the ETag from before the removal: a claim written since must stay. A crash before this line leaves a
        // stale claim, which every reader knows; so does a failure of it.
        if (outcome == Outcome.Done && participant.SessionId == sessionId)
        {
            await tables.Participants.TryMergeAsync(
                ParticipantRow.ClaimChange(accountId, participantId, null), participant.ETag, cancellation);
        }

        return outcome;
    }

    private async Task<Outcome> RemoveAsync(
        AccountId accountId, SessionPartition session, ParticipantId participantId, Precondition precondition, RetryBudget budget)
    {
        HashSet<string> writeIds = [];
        var mayBeDone = false;
        while (session.Member(participantId) is { } member)
        {
            if (!precondition.Holds(member.EntityTag))
                return Outcome.PreconditionFailed;

            var writeId = Guid.NewGuid();
            writeIds.Add(writeId.ToString());
            var write = await session.RemoveAsync(
                participantId, precondition.IsSet ? member.ETag : ETag.All, writeId, budget.Cancellation);
            if (write.Outcome == WriteOutcome.Done)
                return Outcome.Done;

            mayBeDone |= write.Outcome == WriteOutcome.Unknown;
            await budget.PauseAsync();
            if (await FindLiveAsync(accountId, session.Header.Id, budget.Cancellation) is not { } reread)
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

    /// <summary>Deletes the participant and takes it out of its session.</summary>
    public async Task<Outcome> DeleteParticipantAsync(
        AccountId accountId, ParticipantId id, Precondition precondition, CancellationToken cancellation)
    {
        var budget = new RetryBudget(time, cancellation);
        var mayBeDone = false;
        while (true)
        {
            var participant = await FindLiveAsync(accountId, id, cancellation);
            if (participant is null)
                return mayBeDone ? Outcome.Done : Outcome.NoParticipant;

            if (participant.SessionId is { } claimed)
            {
                var left = await LeaveOrFenceAsync(accountId, claimed, participant, precondition, budget);
                if (left == Outcome.PreconditionFailed)
                    return left;

                // The participant was in the state asked for when it left: what is begun is finished.
                if (left == Outcome.Done)
                    precondition = Precondition.None;
            }
            else if (!precondition.Holds(participant.EntityTag))
            {
                return Outcome.PreconditionFailed;
            }

            // Under the ETag from before leaving: a join that has claimed since makes this fail.
            var write = await tables.Participants.TryDeleteAsync(
                Keys.Partition(accountId, id), Keys.Participant, participant.ETag, cancellation);
            if (write.Outcome == WriteOutcome.Done)
                return Outcome.Done;

            mayBeDone |= write.Outcome == WriteOutcome.Unknown;
            await budget.PauseAsync();
        }
    }

    /// <summary>Removes the participant from the session it claims, or sees to it that its join there cannot land.</summary>
    /// <returns><see cref="Outcome.NotAMember"/> when there was nothing to remove.</returns>
    private async Task<Outcome> LeaveOrFenceAsync(
        AccountId accountId, SessionId sessionId, ParticipantRow participant, Precondition precondition, RetryBudget budget)
    {
        var mayBeDone = false;
        while (true)
        {
            var session = await SessionPartition.FindAsync(tables.Sessions, accountId, sessionId, budget.Cancellation);
            var member = session?.Member(participant.Id);
            var version = member?.IsLive(time.GetUtcNow()) == true ? member.EntityTag : participant.EntityTag;
            if ((member is not null || !mayBeDone) && !precondition.Holds(version))
                return Outcome.PreconditionFailed;
            if (session is null)
                return mayBeDone ? Outcome.Done : Outcome.NotAMember;

            var write = member is null
                ? await session.FenceAsync(budget.Cancellation)
                : await session.RemoveAsync(
                    participant.Id, precondition.IsSet ? member.ETag : ETag.All, Guid.NewGuid(), budget.Cancellation);
            if (write.Outcome == WriteOutcome.Done)
                return member is null && !mayBeDone ? Outcome.NotAMember : Outcome.Done;

            mayBeDone |= member is not null && write.Outcome == WriteOutcome.Unknown;
            await budget.PauseAsync();
        }
    }

    /// <summary>Deletes the session and frees its members.</summary>
    public async Task<Outcome> DeleteSessionAsync(
        AccountId accountId, SessionId id, Precondition precondition, CancellationToken cancellation)
    {
        var budget = new RetryBudget(time, cancellation);
        var mayBeDone = false;
        while (true)
        {
            var session = await SessionPartition.FindAsync(tables.Sessions, accountId, id, cancellation);
            if (session?.Header.IsLive(time.GetUtcNow()) != true)
                return mayBeDone ? Outcome.Done : Outcome.NoSession;
            if (!precondition.Holds(session.Header.EntityTag))
                return Outcome.PreconditionFailed;

            var write = await session.DeleteAsync(cancellation);
            if (write.Outcome == WriteOutcome.Done)
                return Outcome.Done;

            mayBeDone |= write.Outcome == WriteOutcome.Unknown;
            await budget.PauseAsync();
        }
    }

    /// <summary>What a member receives, or null when the participant is not in the session.</summary>
    public async Task<Versioned<Subscriptions>?> GetSubscriptionsAsync(
        AccountId accountId, SessionId sessionId, ParticipantId participantId, CancellationToken cancellation)
        => await MemberRow.FindLiveAsync(tables.Sessions, accountId, sessionId, participantId, time, cancellation) is { } member
            ? new(member.Subscriptions, member.EntityTag)
            : null;

    /// <summary>
    /// Replaces what a member receives. A participant that is in no session joins this one. The precondition is on the
    /// participant.
    /// </summary>
    public async Task<Outcome> UpdateSubscriptionsAsync(
        AccountId accountId,
        SessionId sessionId,
        ParticipantId participantId,
        Subscriptions subscriptions,
        Precondition precondition,
        CancellationToken cancellation)
    {
        if (precondition.IsSet)
            return await JoinAsync(accountId, sessionId, participantId, subscriptions, precondition, cancellation);

        // In parallel: the write alone cannot tell a member that has expired. When it has, the write went to a row
        // that nothing reads any more.
        var reading = tables.Sessions.FindAsync(
            Keys.Partition(accountId, sessionId), Keys.Member(participantId), cancellation);
        var writing = SubscribeAsync(
            MemberRow.SubscriptionsChange(accountId, sessionId, participantId, subscriptions, Guid.NewGuid().ToString()), ETag.All, cancellation);
        await Task.WhenAll(reading, writing);

        if (!await writing)
            return await JoinAsync(accountId, sessionId, participantId, subscriptions, Precondition.None, cancellation);

        return await reading is { } row && !MemberRow.From(row).IsLive(time.GetUtcNow())
            ? Outcome.NotAMember
            : Outcome.Done;
    }

    private async Task<Outcome?> ReplaceSubscriptionsAsync(JoinRequest request, MemberRow member, CancellationToken cancellation)
    {
        // This request's own write, whose answer was lost.
        if (member.WriteId == request.WriteId)
            return Outcome.Done;
        if (!request.Precondition.Holds(member.EntityTag))
            return Outcome.PreconditionFailed;
        if (request.Subscriptions is null)
            return Outcome.Done;

        return await SubscribeAsync(
            MemberRow.SubscriptionsChange(request.AccountId, request.SessionId, request.ParticipantId, request.Subscriptions, request.WriteId),
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

    private async Task<(ParticipantRow? Participant, SessionPartition? Session)> FindLiveAsync(
        AccountId accountId, SessionId sessionId, ParticipantId participantId, CancellationToken cancellation)
    {
        var participant = FindLiveAsync(accountId, participantId, cancellation);
        var session = FindLiveAsync(accountId, sessionId, cancellation);
        await Task.WhenAll(participant, session);
        return (await participant, await session);
    }

    private Task<ParticipantRow?> FindLiveAsync(AccountId accountId, ParticipantId participantId, CancellationToken cancellation)
        => ParticipantRow.FindLiveAsync(tables.Participants, accountId, participantId, time, cancellation);

    private async Task<SessionPartition?> FindLiveAsync(AccountId accountId, SessionId sessionId, CancellationToken cancellation)
        => await SessionPartition.FindAsync(tables.Sessions, accountId, sessionId, cancellation) is { } session
            && session.Header.IsLive(time.GetUtcNow())
                ? session
                : null;

    private bool IsFull(SessionPartition session)
        => session.LiveMembers(time.GetUtcNow()).Count() >= options.ParticipantsPerSession;

    private static StorageUnavailableException Unsettled() => new("A write got no answer, and another change has covered what it did.");

    /// <summary>What is asked for, and the <see cref="MemberRow.WriteId"/> of the row that it writes, in whichever try.</summary>
    private sealed record JoinRequest(
        AccountId AccountId,
        SessionId SessionId,
        ParticipantId ParticipantId,
        Subscriptions? Subscriptions,
        Precondition Precondition,
        string WriteId);
}
