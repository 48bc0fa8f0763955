using Azure;
using Azure.Data.Tables;
using Sessions.Model;

namespace Sessions.Storage;

/// <summary>
/// Changes the memberships of sessions: joins, leaves, deletions and fences, in the order of docs/design.md, which describes the protocol
/// and its invariants. The session's header lists its members and determines who is a member. The claim in the participant's row makes the
/// membership unique. No transaction spans the two rows, so the steps are ordered such that the next request reads the rows correctly after
/// a crash behind any step.
/// </summary>
public sealed class MembershipStore(
    Tables tables, SessionsOptions options, TimeProvider time, EventQueue events, MembershipHints? hints = null)
{
    /// <summary>
    /// Adds a participant to a session. If it is already a member, <paramref name="subscriptions"/> replace its existing ones, and null
    /// keeps them. The precondition applies to the participant.
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

    /// <summary>
    /// Makes one try to join. Returns null if another change interfered and the join has to start over. In this case the try's insert can
    /// no longer be applied.
    /// </summary>
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

        // The participant may have expired since it was read, and may have left the other session only because of that.
        if (!participant.IsLive(time.GetUtcNow()))
            return Outcome.NoParticipant;
        if (!request.Precondition.Holds(participant.EntityTag))
            return Outcome.PreconditionFailed;

        await request.Announcement;
        return await ClaimAndInsertAsync(request, participant, after, session, budget);
    }

    /// <summary>
    /// Claims the session and inserts the member. The header ETag under which the member is inserted was always read before the claim write
    /// that precedes the insert. If another request rewrites the header (a fence) and then finds the claim unchanged, it knows that this
    /// insert cannot succeed. For this reason an insert that lost claims again. It would not be enough to read the claim.
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

        // An insert without a response may be applied for as long as the header has the ETag that the insert names.
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

                // After another change there is no way to tell whether the insert succeeded. Another insert could undo a leave that
                // returned success.
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
    /// Returns the last change of the session that the participant claims, or null if the participant is a member there. If it is not a
    /// member, its claim is stale or its join is in flight, and a fence makes the insert of such a join fail.
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

    /// <summary>Removes a participant from a session. The precondition applies to the participant.</summary>
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

        // The claim is cleared only if this request removed the participant. Otherwise the claim may belong to a join that followed another
        // request's removal. It is cleared under the ETag from before the removal, because a claim that was written since must stay. If
        // this write fails, or the server crashes before it, the claim is stale, and every reader handles a stale claim.
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

    /// <summary>
    /// Removes a participant from the session as it was read. <paramref name="member"/> is needed only for a precondition.
    /// </summary>
    /// <returns>The result, and the number of the session's last change at that time.</returns>
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
            // The header and the member row are read at different moments. If the row does not exist, the participant has left in between.
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

            // The participant may have joined again after this removal. A second removal could undo a join that returned success. A check
            // of the condition against the new membership could refuse a removal that was made.
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

    /// <summary>Deletes the participant and removes it from its session.</summary>
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

                // The precondition held when the participant left, so the deletion is completed.
                if (hasLeft)
                    precondition = Precondition.None;
            }
            else if (!precondition.Holds(participant.EntityTag))
            {
                return Outcome.PreconditionFailed;
            }

            // The ETag is the one from before leaving, so the deletion fails if a join has claimed the participant since.
            var write = await tables.Participants.TryDeleteAsync(
                Keys.Partition(accountId, id), Keys.Participant, participant.ETag, cancellation);
            if (write.Outcome == WriteOutcome.Done)
                return Outcome.Done;

            mayBeDone |= write.Outcome == WriteOutcome.Unknown;
            await budget.PauseAsync();
        }
    }

    /// <summary>Removes the participant from the session that it claims, or fences the session so that a join in flight fails.</summary>
    /// <returns>Whether this request removed the participant, or null if the precondition does not hold.</returns>
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
                        // It is unknown whether this request or another removed the participant, so it is unknown whether the precondition
                        // held.
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

    /// <summary>Deletes the session, so that its members can join other sessions.</summary>
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

    /// <summary>Returns the subscriptions of a member, or null if the participant is not in the session.</summary>
    public async Task<Versioned<Subscriptions>?> GetSubscriptionsAsync(
        AccountId accountId, SessionId sessionId, ParticipantId participantId, CancellationToken cancellation)
        => await MemberRow.FindAsync(tables.Sessions, accountId, sessionId, participantId, cancellation) is { } member
            && member.IsLive(time.GetUtcNow())
                ? new(member.Subscriptions, member.EntityTag)
                : null;

    /// <summary>
    /// Replaces the subscriptions of a member. A participant that is in no session joins this one. The precondition applies to the
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

        // The row is read in parallel, because the write alone does not show whether the member has expired. If it has, nothing reads the
        // changed row any more. The clock is read first, because the change may have been made before the member expired.
        var now = time.GetUtcNow();
        var reading = MemberRow.FindAsync(tables.Sessions, accountId, sessionId, participantId, cancellation);
        var writing = TryReplaceSubscriptionsAsync(
            MemberRow.SubscriptionsChange(accountId, sessionId, participantId, subscriptions, Guid.NewGuid().ToString()), cancellation);
        await Task.WhenAll(reading, writing);

        // If the member has expired, its session or its participant has also expired. The join then refuses the request and returns the
        // reason.
        var member = await reading;
        if (!await writing || member?.IsLive(now) == false)
            return await JoinAsync(accountId, sessionId, participantId, subscriptions, Precondition.None, cancellation);

        return member is null ? await SettleMissedAsync(accountId, sessionId, participantId, now, cancellation) : Outcome.Done;
    }

    /// <summary>
    /// Decides the outcome of a change to a member row that the parallel read did not find. The row was inserted after the read or removed
    /// before it. The session and the participant show whether the membership had expired by <paramref name="now"/>.
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

        // A missing row was live if a request deleted it, and had expired if the sweep deleted it.
        return session is not null && participant is not null
            ? Outcome.Done
            : throw new StorageUnavailableException("The session or the participant was deleted, and it is not known whether it had expired.");
    }

    /// <summary>Handles a join of a participant that is already in the session. Returns null if it has left since.</summary>
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

            // If the row still has the ETag, this write takes effect once, however often it is sent. After another change there is no way
            // to tell whether it succeeded, and another write could undo that change.
            if (mayBeDone && stored?.ETag != member.ETag)
                throw Unsettled();
            member = stored;
        }

        return null;

        Task<MemberRow?> FindMemberAsync()
            => MemberRow.FindAsync(tables.Sessions, request.AccountId, request.SessionId, request.ParticipantId, budget.Cancellation);
    }

    /// <summary>
    /// Replaces the subscriptions of a member unconditionally. Returns false if there is no such row, or no connection was made.
    /// </summary>
    private async Task<bool> TryReplaceSubscriptionsAsync(TableEntity change, CancellationToken cancellation)
    {
        var write = await tables.Sessions.TryMergeAsync(change, ETag.All, cancellation);
        if (write.Outcome != WriteOutcome.Unknown)
            return write.Outcome == WriteOutcome.Done;

        // If the change is not stored yet, it may be applied at any time, even to the row of a later membership.
        var stored = await tables.Sessions.FindAsync(change.PartitionKey, change.RowKey, cancellation);
        return stored?.GetString(Columns.WriteId) == change.GetString(Columns.WriteId) ? true : throw Unsettled();
    }

    /// <summary>Reads the participant and the session, and returns each if it is live. The clock is read once, after both reads.</summary>
    private async Task<(ParticipantRow? Participant, SessionPartition? Session, MemberRow? Member)> FindLiveAsync(
        AccountId accountId, SessionId sessionId, ParticipantId participantId, bool withMember, CancellationToken cancellation)
    {
        var finding = ParticipantRow.FindAsync(tables.Participants, accountId, participantId, cancellation);
        var findingRest = FindAsync(accountId, sessionId, participantId, withMember, cancellation);
        await Task.WhenAll(finding, findingRest);
        var (participant, (session, member), now) = (await finding, await findingRest, time.GetUtcNow());
        return (participant?.IsLive(now) == true ? participant : null, session?.Header.IsLive(now) == true ? session : null, member);
    }

    /// <summary>Reads the session, and the member row if it is requested. They may have expired.</summary>
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

    private static StorageUnavailableException Unsettled() => new("A write got no response, and a later change hides whether it succeeded.");

    /// <summary>Sends a hint when the request ends, even if it fails, because a request that fails may have changed something.</summary>
    private readonly struct HintAtEnd(MembershipHints? hints, MembershipHint hint) : IDisposable
    {
        public void Dispose() => hints?.Listener?.Invoke(hint);
    }

    /// <summary>The result of a removal.</summary>
    private enum Removal
    {
        /// <summary>This request removed the participant.</summary>
        Done,

        /// <summary>The participant is gone, and this request may have removed it.</summary>
        Gone,

        NotAMember,
        NoSession,
        PreconditionFailed,
    }

    /// <summary>A request to join, and the <see cref="MemberRow.WriteId"/> of the row that each of its tries writes.</summary>
    private sealed record JoinRequest(
        AccountId AccountId,
        SessionId SessionId,
        ParticipantId ParticipantId,
        Subscriptions? Subscriptions,
        Precondition Precondition,
        string WriteId)
    {
        /// <summary>Completes when the message to the delivery is stored, which must be before the change.</summary>
        public required Task Announcement { get; init; }
    }
}
