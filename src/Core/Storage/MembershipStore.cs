using Azure;
using Azure.Data.Tables;
using Sessions.Model;

namespace Sessions.Storage;

/// <summary>
/// Who is in which session: joins, leaves, deletions and the fence between them, in the order of docs/design.md, which has the
/// protocol and its invariants. The session's header lists its members and is the truth; the claim in the participant's row makes
/// it unique. No transaction spans the two, so every step is ordered such that a crash after it leaves a state that the next
/// request reads correctly.
/// </summary>
public sealed class MembershipStore(
    Tables tables, SessionsOptions options, TimeProvider time, EventQueue events, MembershipHints? hints = null)
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
        using var hint = new HintAtEnd(hints, new(accountId, sessionId, participantId));
        var request = new JoinRequest(accountId, sessionId, participantId, subscriptions, precondition, Guid.NewGuid().ToString())
        {
            Announcement = events.AnnounceAsync(accountId, Keys.Partition(accountId, sessionId), cancellation),
        };
        var budget = new RetryBudget(time, cancellation);
        while (true)
        {
            if (await TryJoinAsync(request, budget) is { } outcome)
                return outcome;

            await budget.PauseAsync();
        }
    }

    /// <summary>One try to join; null when it met another change, left nothing behind that may yet land, and has to start over.</summary>
    private async Task<Outcome?> TryJoinAsync(JoinRequest request, RetryBudget budget)
    {
        var (participant, session, member) = await FindLiveAsync(
            request.AccountId, request.SessionId, request.ParticipantId, withMember: request.Precondition.IsSet, budget.Cancellation);
        if (session is null)
            return Outcome.NoSession;
        if (participant is null)
            return Outcome.NoParticipant;

        if (session.Header.Members.Contains(request.ParticipantId))
            return await ReplaceSubscriptionsAsync(request, member, budget);
        if (IsFull(session))
            return Outcome.SessionFull;
        var after = participant.After.Except(request.SessionId);
        if (participant.SessionId is { } claimed && claimed != request.SessionId)
        {
            if (await FenceElsewhereAsync(request.AccountId, claimed, request.ParticipantId, budget) is not { } last)
                return Outcome.InAnotherSession;
            after = after.With(last);
        }

        // It may have expired since it was read, and not be in that session only because it has.
        if (!participant.IsLive(time.GetUtcNow()))
            return Outcome.NoParticipant;
        if (!request.Precondition.Holds(participant.EntityTag))
            return Outcome.PreconditionFailed;

        await request.Announcement;
        return await ClaimAndInsertAsync(request, participant, after, session, budget);
    }

    /// <summary>
    /// The end of a join. The header ETag under which the member is inserted was always read before the claim write
    /// that precedes the insert: so whoever rewrites the header (a fence), and finds the claim unchanged after it, knows
    /// that this insert cannot land. That is why a lost insert claims again, and a look at the claim would not do.
    /// </summary>
    private async Task<Outcome?> ClaimAndInsertAsync(
        JoinRequest request, ParticipantRow participant, Predecessors after, SessionPartition session, RetryBudget budget)
    {
        var claimETag = participant.ETag;
        var joining = new MemberRow(
            request.ParticipantId,
            participant.Fields,
            request.Subscriptions ?? Subscriptions.None,
            time.GetUtcNow(),
            participant.Expires < session.Header.Expires ? participant.Expires : session.Header.Expires)
        {
            WriteId = request.WriteId,
        };

        // An insert without an answer may land for as long as the header has the ETag that it names.
        var mayLand = false;
        while (true)
        {
            var claim = await tables.Participants.TryMergeAsync(
                ParticipantRow.ClaimChange(request.AccountId, request.ParticipantId, request.SessionId, after), claimETag, budget.Cancellation);
            if (claim.Outcome != WriteOutcome.Done)
                return mayLand ? throw Unsettled() : null;
            claimETag = claim.ETag;

            var insert = await session.AddAsync(joining, after, ChangeTime(), budget.Cancellation);
            if (insert.Outcome == WriteOutcome.Done)
                return Outcome.Done;

            mayLand |= insert.Outcome == WriteOutcome.Unknown;
            await budget.PauseAsync();
            var (reread, stored) = await FindAsync(request.AccountId, request.SessionId, request.ParticipantId, mayLand, budget.Cancellation);
            if (mayLand)
            {
                if (stored?.WriteId == request.WriteId)
                    return Outcome.Done;

                // Behind another change nobody can tell any more: to insert again could undo a leave that was answered.
                if (reread?.Header.ETag != session.Header.ETag)
                    throw Unsettled();
            }

            if (reread?.Header.IsLive(time.GetUtcNow()) != true)
                return mayLand ? throw Unsettled() : Outcome.NoSession;
            session = reread;
            if (session.Header.Members.Contains(request.ParticipantId))
                return null;
            if (IsFull(session))
                return Outcome.SessionFull;
        }
    }

    /// <summary>
    /// The last change of the session that the participant claims; null when the participant is in it. If it is not, its claim is
    /// stale or its join on the way, and a fence sees to it that such a join cannot land.
    /// </summary>
    private async Task<ChangeNumber?> FenceElsewhereAsync(AccountId accountId, SessionId claimed, ParticipantId participantId, RetryBudget budget)
    {
        while (true)
        {
            var other = await SessionPartition.FindAsync(tables.Sessions, accountId, claimed, budget.Cancellation);
            if (other is null)
                return new(claimed, ChangeNumber.All);
            if (other.Header.Members.Live(time.GetUtcNow()).Any(entry => entry.ParticipantId == participantId))
                return null;
            if ((await other.FenceAsync(budget.Cancellation)).Outcome == WriteOutcome.Done)
                return new(claimed, other.Header.Events);

            await budget.PauseAsync();
        }
    }

    /// <summary>Takes a participant out of a session. The precondition is on the participant.</summary>
    public async Task<Outcome> LeaveAsync(
        AccountId accountId, SessionId sessionId, ParticipantId participantId, Precondition precondition, CancellationToken cancellation)
    {
        using var hint = new HintAtEnd(hints, new(accountId, sessionId, participantId));
        var announcement = events.AnnounceAsync(accountId, Keys.Partition(accountId, sessionId), cancellation);
        var (participant, session, member) = await FindLiveAsync(
            accountId, sessionId, participantId, withMember: precondition.IsSet, cancellation);
        if (session is null)
            return Outcome.NoSession;
        if (participant is null)
            return Outcome.NoParticipant;

        await announcement;
        var (removal, number) = await RemoveAsync(
            accountId, session, participantId, LeaveReasons.Removed, member, precondition, new(time, cancellation));

        // Only after a removal that is this request's own: otherwise the claim may be that of a join that came after another's.
        // And under the ETag from before it: a claim written since must stay. A crash before this line leaves a stale claim,
        // which every reader knows; so does a failure of it.
        if (removal == Removal.Done && participant.SessionId == sessionId)
        {
            await tables.Participants.TryMergeAsync(
                ParticipantRow.ClaimChange(accountId, participantId, null, Predecessors.None.With(new(sessionId, number))),
                participant.ETag,
                cancellation);
        }

        return removal switch
        {
            Removal.Done or Removal.Gone => Outcome.Done,
            Removal.PreconditionFailed => Outcome.PreconditionFailed,
            Removal.NoSession => Outcome.NoSession,
            _ => Outcome.NotAMember,
        };
    }

    /// <summary>Removes a participant from the session as it was read; <paramref name="member"/> is needed for a precondition only.</summary>
    /// <returns>How it ended, and by then the number of the session's last change.</returns>
    private async Task<(Removal Removal, long Number)> RemoveAsync(
        AccountId accountId,
        SessionPartition session,
        ParticipantId participantId,
        string reason,
        MemberRow? member,
        Precondition precondition,
        RetryBudget budget)
    {
        HashSet<string> writeIds = [];
        ETag? tried = null;
        var mayBeDone = false;
        while (session.Header.Members.Contains(participantId))
        {
            // The header and the row are read at different moments: when there is no row, the participant has left in between.
            if (!precondition.IsSet || member is not null)
            {
                if (!precondition.Holds(member?.EntityTag))
                    return (Removal.PreconditionFailed, session.Header.Events);

                var writeId = Guid.NewGuid();
                writeIds.Add(writeId.ToString());
                tried = member?.ETag;
                var write = await session.RemoveAsync(
                    participantId, reason, member?.ETag ?? ETag.All, writeId, ChangeTime(), budget.Cancellation);
                if (write.Outcome == WriteOutcome.Done)
                    return (Removal.Done, session.Header.Events + 1);

                mayBeDone |= write.Outcome == WriteOutcome.Unknown;
            }

            await budget.PauseAsync();
            var before = session.Header.ETag;
            (var reread, member) = await FindAsync(accountId, session.Header.Id, participantId, precondition.IsSet, budget.Cancellation);
            if (reread is null)
                return (mayBeDone ? Removal.Gone : Removal.NoSession, ChangeNumber.All);

            // It may be in again after this removal: to remove it again could undo a join that was answered, and to judge the
            // condition by the new membership could refuse a removal that was made.
            if (mayBeDone
                && reread.Header.Members.Contains(participantId)
                && (reread.Header.ETag != before || (member is not null && member.ETag != tried)))
            {
                throw Unsettled();
            }

            session = reread;
        }

        var removal = session.Header.WriteId is { } last && writeIds.Contains(last) ? Removal.Done
            : mayBeDone ? Removal.Gone
            : Removal.NotAMember;
        return (removal, session.Header.Events);
    }

    /// <summary>Deletes the participant and takes it out of its session.</summary>
    public async Task<Outcome> DeleteParticipantAsync(
        AccountId accountId, ParticipantId id, Precondition precondition, CancellationToken cancellation)
    {
        using var hint = new HintAtEnd(hints, new(accountId, null, id));
        var budget = new RetryBudget(time, cancellation);
        var mayBeDone = false;
        while (true)
        {
            var participant = await ParticipantRow.FindAsync(tables.Participants, accountId, id, cancellation);
            if (participant?.IsLive(time.GetUtcNow()) != true)
                return mayBeDone ? Outcome.Done : Outcome.NoParticipant;

            if (participant.SessionId is { } claimed)
            {
                if (await LeaveOrFenceAsync(accountId, claimed, participant, precondition, budget) is not { } hasLeft)
                    return Outcome.PreconditionFailed;

                // The participant was in the state asked for when it left: what is begun is finished.
                if (hasLeft)
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
    /// <returns>Whether this request removed it; null when the precondition does not hold.</returns>
    private async Task<bool?> LeaveOrFenceAsync(
        AccountId accountId, SessionId sessionId, ParticipantRow participant, Precondition precondition, RetryBudget budget)
    {
        var announcement = events.AnnounceAsync(accountId, Keys.Partition(accountId, sessionId), budget.Cancellation);
        while (true)
        {
            var (session, member) = await FindAsync(accountId, sessionId, participant.Id, precondition.IsSet, budget.Cancellation);
            if (session?.Header.Members.Contains(participant.Id) == true)
            {
                await announcement;
                var (removal, _) = await RemoveAsync(
                    accountId, session, participant.Id, LeaveReasons.Deleted, member, precondition, budget);
                switch (removal)
                {
                    case Removal.Done:
                        return true;
                    case Removal.PreconditionFailed:
                        return null;
                    case Removal.Gone when precondition.IsSet:
                        // This request's removal or another's: nobody can tell whether the participant was in the state asked for.
                        throw Unsettled();
                    default:
                        continue;
                }
            }

            if (!precondition.Holds(participant.EntityTag))
                return null;
            if (session is null || (await session.FenceAsync(budget.Cancellation)).Outcome == WriteOutcome.Done)
                return false;

            await budget.PauseAsync();
        }
    }

    /// <summary>Deletes the session and frees its members.</summary>
    public async Task<Outcome> DeleteSessionAsync(
        AccountId accountId, SessionId id, Precondition precondition, CancellationToken cancellation)
    {
        using var hint = new HintAtEnd(hints, new(accountId, id, null));
        var budget = new RetryBudget(time, cancellation);
        var announcement = events.AnnounceAsync(accountId, Keys.Partition(accountId, id), cancellation);
        var mayBeDone = false;
        while (true)
        {
            var session = await SessionPartition.FindAsync(tables.Sessions, accountId, id, cancellation);
            var now = time.GetUtcNow();
            if (session?.Header.IsLive(now) != true)
                return mayBeDone ? Outcome.Done : Outcome.NoSession;
            if (!precondition.Holds(session.Header.EntityTag(now)))
                return Outcome.PreconditionFailed;

            await announcement;
            var write = await session.DeleteAsync(ChangeTime(), cancellation);
            if (write.Outcome == WriteOutcome.Done)
                return Outcome.Done;

            mayBeDone |= write.Outcome == WriteOutcome.Unknown;
            await budget.PauseAsync();
        }
    }

    /// <summary>What a member receives, or null when the participant is not in the session.</summary>
    public async Task<Versioned<Subscriptions>?> GetSubscriptionsAsync(
        AccountId accountId, SessionId sessionId, ParticipantId participantId, CancellationToken cancellation)
        => await MemberRow.FindAsync(tables.Sessions, accountId, sessionId, participantId, cancellation) is { } member
            && member.IsLive(time.GetUtcNow())
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

        using var hint = new HintAtEnd(hints, new(accountId, sessionId, participantId));

        // In parallel: the write alone cannot tell a member that has expired. When it has, the write went to a row
        // that nothing reads any more. The clock is looked at first: what lived then may have been changed in time.
        var now = time.GetUtcNow();
        var reading = MemberRow.FindAsync(tables.Sessions, accountId, sessionId, participantId, cancellation);
        var writing = TryReplaceSubscriptionsAsync(
            MemberRow.SubscriptionsChange(accountId, sessionId, participantId, subscriptions, Guid.NewGuid().ToString()), cancellation);
        await Task.WhenAll(reading, writing);

        // When the member has expired, so has its session or its participant: the join is refused, and gives the reason.
        var member = await reading;
        if (!await writing || member?.IsLive(now) == false)
            return await JoinAsync(accountId, sessionId, participantId, subscriptions, Precondition.None, cancellation);

        return member is null ? await SettleMissedAsync(accountId, sessionId, participantId, now, cancellation) : Outcome.Done;
    }

    /// <summary>
    /// The outcome of a change to a member row that the read beside it did not find, because the row was inserted after the read
    /// or removed before it. Whether the member had expired by <paramref name="now"/>, its session and its participant tell.
    /// </summary>
    private async Task<Outcome> SettleMissedAsync(
        AccountId accountId, SessionId sessionId, ParticipantId participantId, DateTimeOffset now, CancellationToken cancellation)
    {
        var finding = ParticipantRow.FindAsync(tables.Participants, accountId, participantId, cancellation);
        var findingSession = SessionPartition.FindAsync(tables.Sessions, accountId, sessionId, cancellation);
        await Task.WhenAll(finding, findingSession);
        var (participant, session) = (await finding, await findingSession);
        if (session?.Header.IsLive(now) == false)
            return Outcome.NoSession;
        if (participant?.IsLive(now) == false)
            return Outcome.NoParticipant;

        // Deleted by a request, the missing one was live; deleted by the sweep, it had expired.
        return session is not null && participant is not null
            ? Outcome.Done
            : throw new StorageUnavailableException("The session or the participant was deleted, and nothing tells whether it had expired.");
    }

    /// <summary>A join of a participant that is in the session; null when it is not any more.</summary>
    private async Task<Outcome?> ReplaceSubscriptionsAsync(JoinRequest request, MemberRow? member, RetryBudget budget)
    {
        if (request is { Subscriptions: null, Precondition.IsSet: false })
            return Outcome.Done;

        member ??= await FindMemberAsync();
        var mayBeDone = false;
        while (member is not null)
        {
            if (!request.Precondition.Holds(member.EntityTag))
                return Outcome.PreconditionFailed;
            if (request.Subscriptions is null)
                return Outcome.Done;

            var write = await tables.Sessions.TryMergeAsync(
                MemberRow.SubscriptionsChange(
                    request.AccountId, request.SessionId, request.ParticipantId, request.Subscriptions, request.WriteId),
                member.ETag,
                budget.Cancellation);
            if (write.Outcome == WriteOutcome.Done)
                return Outcome.Done;

            mayBeDone |= write.Outcome == WriteOutcome.Unknown;
            await budget.PauseAsync();
            var stored = await FindMemberAsync();
            if (stored?.WriteId == request.WriteId)
                return Outcome.Done;

            // Under the ETag that the row still has, this write changes it once, however often it is sent. Behind another
            // change nobody can tell any more, and to write again could undo it.
            if (mayBeDone && stored?.ETag != member.ETag)
                throw Unsettled();
            member = stored;
        }

        return null;

        Task<MemberRow?> FindMemberAsync()
            => MemberRow.FindAsync(tables.Sessions, request.AccountId, request.SessionId, request.ParticipantId, budget.Cancellation);
    }

    /// <summary>Replaces what a member receives, whatever it is now; false when there is no such row, or it was not reached.</summary>
    private async Task<bool> TryReplaceSubscriptionsAsync(TableEntity change, CancellationToken cancellation)
    {
        var write = await tables.Sessions.TryMergeAsync(change, ETag.All, cancellation);
        if (write.Outcome != WriteOutcome.Unknown)
            return write.Outcome == WriteOutcome.Done;

        // Unless it is there now, it may land at any time: even on the row of a later membership.
        var stored = await tables.Sessions.FindAsync(change.PartitionKey, change.RowKey, cancellation);
        return stored?.GetString(Columns.WriteId) == change.GetString(Columns.WriteId) ? true : throw Unsettled();
    }

    /// <summary>The participant and the session, if they live; both by one look at the clock, after the reads.</summary>
    private async Task<(ParticipantRow? Participant, SessionPartition? Session, MemberRow? Member)> FindLiveAsync(
        AccountId accountId, SessionId sessionId, ParticipantId participantId, bool withMember, CancellationToken cancellation)
    {
        var finding = ParticipantRow.FindAsync(tables.Participants, accountId, participantId, cancellation);
        var findingRest = FindAsync(accountId, sessionId, participantId, withMember, cancellation);
        await Task.WhenAll(finding, findingRest);
        var (participant, (session, member), now) = (await finding, await findingRest, time.GetUtcNow());
        return (participant?.IsLive(now) == true ? participant : null, session?.Header.IsLive(now) == true ? session : null, member);
    }

    /// <summary>The session, and the member row when it is asked for; also what has expired.</summary>
    private async Task<(SessionPartition? Session, MemberRow? Member)> FindAsync(
        AccountId accountId, SessionId sessionId, ParticipantId participantId, bool withMember, CancellationToken cancellation)
    {
        var finding = SessionPartition.FindAsync(tables.Sessions, accountId, sessionId, cancellation);
        var findingMember = withMember
            ? MemberRow.FindAsync(tables.Sessions, accountId, sessionId, participantId, cancellation)
            : Task.FromResult<MemberRow?>(null);
        await Task.WhenAll(finding, findingMember);
        return (await finding, await findingMember);
    }

    private ChangeTime ChangeTime() => Storage.ChangeTime.At(time.GetUtcNow(), options.EventRetention);

    private bool IsFull(SessionPartition session)
        => session.Header.Members.Live(time.GetUtcNow()).Count() >= options.ParticipantsPerSession;

    private static StorageUnavailableException Unsettled() => new("A write got no answer, and another change has covered what it did.");

    /// <summary>Gives a hint when the request ends, however it does: one without an answer may have changed something, too.</summary>
    private readonly struct HintAtEnd(MembershipHints? hints, MembershipHint hint) : IDisposable
    {
        public void Dispose() => hints?.Listener?.Invoke(hint);
    }

    /// <summary>How a removal ended.</summary>
    private enum Removal
    {
        /// <summary>This request removed the participant.</summary>
        Done,

        /// <summary>It is gone, and this request may have removed it.</summary>
        Gone,

        NotAMember,
        NoSession,
        PreconditionFailed,
    }

    /// <summary>What is asked for, and the <see cref="MemberRow.WriteId"/> of the row that it writes, in whichever try.</summary>
    private sealed record JoinRequest(
        AccountId AccountId,
        SessionId SessionId,
        ParticipantId ParticipantId,
        Subscriptions? Subscriptions,
        Precondition Precondition,
        string WriteId)
    {
        /// <summary>Ends when the delivery knows that there may be an event: not later than the change.</summary>
        public required Task Announcement { get; init; }
    }
}
