using Azure;
using Sessions.Model;

namespace Sessions.Storage;

/// <summary>How a change of a membership ended.</summary>
public enum MembershipOutcome
{
    /// <summary>As asked.</summary>
    Done,

    /// <summary>There is no such session, or it has expired.</summary>
    NoSession,

    /// <summary>There is no such participant, or it has expired.</summary>
    NoParticipant,

    /// <summary>The participant is not in the session.</summary>
    NotAMember,

    /// <summary>The participant is in another session.</summary>
    InAnotherSession,

    /// <summary>The session has as many participants as it may have.</summary>
    SessionFull,
}

/// <summary>
/// Who is in which session. A member row in the session's partition is the truth; the claim in the participant's row
/// makes it unique. No transaction spans the two, so every step is ordered such that a crash after it leaves a state
/// that the next request reads correctly. docs/design.md has the protocol and its invariants.
/// </summary>
public sealed class MembershipStore(Tables tables, SessionsOptions options, TimeProvider time)
{
    /// <summary>
    /// Puts a participant into a session. If it is there already, <paramref name="subscriptions"/> replace its own, and
    /// null leaves them.
    /// </summary>
    public async Task<MembershipOutcome> AddAsync(
        string accountId, Guid sessionId, Guid participantId, Subscriptions? subscriptions, CancellationToken cancellation)
    {
        var attempts = new Attempts(time, cancellation);
        while (true)
        {
            if (await TryAddAsync(accountId, sessionId, participantId, subscriptions, attempts) is { } outcome)
                return outcome;

            await attempts.PauseAsync();
        }
    }

    /// <summary>Takes a participant out of a session.</summary>
    public async Task<MembershipOutcome> RemoveAsync(
        string accountId, Guid sessionId, Guid participantId, CancellationToken cancellation)
    {
        var (participant, session) = await FindAsync(accountId, sessionId, participantId, cancellation);
        if (session is null)
            return MembershipOutcome.NoSession;
        if (participant is null)
            return MembershipOutcome.NoParticipant;

        var outcome = await RemoveAsync(accountId, session, participantId, new Attempts(time, cancellation));

        // Under the ETag from before the removal: a claim written since must stay. A crash before this line leaves a
        // stale claim, which every reader knows; so does a failure of it.
        if (outcome == MembershipOutcome.Done && participant.SessionId == sessionId)
        {
            await tables.Participants.TryMergeAsync(
                ParticipantRow.Claim(accountId, participantId, null), participant.ETag, cancellation);
        }

        return outcome;
    }

    /// <summary>What a member receives, or null when the participant is not in the session.</summary>
    public async Task<Subscriptions?> GetSubscriptionsAsync(
        string accountId, Guid sessionId, Guid participantId, CancellationToken cancellation)
    {
        var row = await tables.Sessions.FindAsync(
            Keys.Partition(accountId, sessionId), Keys.Member(participantId), cancellation);
        return row is not null && MemberRow.From(row) is var member && time.GetUtcNow() < member.Expires ? member.Subscriptions : null;
    }

    /// <summary>Replaces what a member receives. A participant that is in no session joins this one.</summary>
    public async Task<MembershipOutcome> UpdateSubscriptionsAsync(
        string accountId, Guid sessionId, Guid participantId, Subscriptions subscriptions, CancellationToken cancellation)
    {
        // In parallel: the write alone cannot tell a member that has expired. When it has, the write went to a row
        // that nothing reads any more.
        var reading = tables.Sessions.FindAsync(
            Keys.Partition(accountId, sessionId), Keys.Member(participantId), cancellation);
        var writing = SubscribeAsync(accountId, sessionId, participantId, subscriptions, cancellation);
        await Task.WhenAll(reading, writing);

        if (!await writing)
            return await AddAsync(accountId, sessionId, participantId, subscriptions, cancellation);

        return await reading is { } row && MemberRow.From(row).Expires <= time.GetUtcNow()
            ? MembershipOutcome.NotAMember
            : MembershipOutcome.Done;
    }

    /// <summary>One try to add; null when it met another change and has to start again.</summary>
    private async Task<MembershipOutcome?> TryAddAsync(
        string accountId, Guid sessionId, Guid participantId, Subscriptions? subscriptions, Attempts attempts)
    {
        var (participant, session) = await FindAsync(accountId, sessionId, participantId, attempts.Cancellation);
        if (session is null)
            return MembershipOutcome.NoSession;
        if (participant is null)
            return MembershipOutcome.NoParticipant;

        if (session.Member(participantId) is not null)
        {
            return subscriptions is null
                || await SubscribeAsync(accountId, sessionId, participantId, subscriptions, attempts.Cancellation)
                    ? MembershipOutcome.Done
                    : null;
        }

        if (IsFull(session))
            return MembershipOutcome.SessionFull;
        if (participant.SessionId is { } claimed && claimed != sessionId && await IsMemberElsewhereAsync(accountId, claimed, participantId, attempts))
            return MembershipOutcome.InAnotherSession;

        var member = new MemberRow(
            participantId,
            participant.Fields,
            subscriptions ?? Subscriptions.None,
            time.GetUtcNow(),
            participant.Expires < session.Header.Expires ? participant.Expires : session.Header.Expires);
        return await ClaimAndInsertAsync(accountId, session, member, participant.ETag, attempts);
    }

    /// <summary>
    /// The end of a join. The header ETag under which the member is inserted was always read before the claim write
    /// that precedes the insert: so whoever rewrites the header (a fence), and finds the claim unchanged after it, knows
    /// that this insert cannot land. That is why a lost insert claims again, and a look at the claim would not do.
    /// </summary>
    private async Task<MembershipOutcome?> ClaimAndInsertAsync(
        string accountId, SessionPartition session, MemberRow member, ETag participantETag, Attempts attempts)
    {
        var sessionId = session.Header.Id;
        var etag = participantETag;
        HashSet<string> writeIds = [];
        var mayBeDone = false;
        while (true)
        {
            var claim = await tables.Participants.TryMergeAsync(
                ParticipantRow.Claim(accountId, member.ParticipantId, sessionId), etag, attempts.Cancellation);
            if (claim.Outcome != WriteOutcome.Done)
                return null;
            etag = claim.ETag;

            var row = member.ToEntity(accountId, sessionId);
            writeIds.Add(row.GetString(Columns.WriteId));
            var insert = await session.AddAsync(row, time.GetUtcNow(), attempts.Cancellation);
            if (insert.Outcome == WriteOutcome.Done)
                return MembershipOutcome.Done;

            mayBeDone |= insert.Outcome == WriteOutcome.Unknown;
            await attempts.PauseAsync();
            var reread = await FindLiveAsync(accountId, sessionId, attempts.Cancellation);
            if (mayBeDone && reread?.Header.ETag != session.Header.ETag)
            {
                // Behind another change nobody can tell any more: to insert again could undo a leave that was answered.
                return reread?.Member(member.ParticipantId)?.WriteId is { } last && writeIds.Contains(last)
                    ? MembershipOutcome.Done
                    : throw Unsettled();
            }

            if (reread is null)
                return MembershipOutcome.NoSession;
            session = reread;
            if (session.Member(member.ParticipantId) is not null)
                return null;
            if (IsFull(session))
                return MembershipOutcome.SessionFull;
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

    private async Task<MembershipOutcome> RemoveAsync(
        string accountId, SessionPartition session, Guid participantId, Attempts attempts)
    {
        HashSet<string> writeIds = [];
        var mayBeDone = false;
        while (session.Member(participantId) is not null)
        {
            var writeId = Guid.NewGuid();
            writeIds.Add(writeId.ToString());
            var write = await session.RemoveAsync(participantId, writeId, attempts.Cancellation);
            if (write.Outcome == WriteOutcome.Done)
                return MembershipOutcome.Done;

            mayBeDone |= write.Outcome == WriteOutcome.Unknown;
            await attempts.PauseAsync();
            if (await FindLiveAsync(accountId, session.Header.Id, attempts.Cancellation) is not { } reread)
                return mayBeDone ? MembershipOutcome.Done : MembershipOutcome.NoSession;

            // It may be in again after this removal: to remove it again could undo a join that was answered.
            if (mayBeDone && reread.Header.ETag != session.Header.ETag && reread.Member(participantId) is not null)
                throw Unsettled();
            session = reread;
        }

        return mayBeDone || (session.Header.WriteId is { } last && writeIds.Contains(last))
            ? MembershipOutcome.Done
            : MembershipOutcome.NotAMember;
    }

    /// <summary>Replaces what a member receives; false when it has no row.</summary>
    private async Task<bool> SubscribeAsync(
        string accountId, Guid sessionId, Guid participantId, Subscriptions subscriptions, CancellationToken cancellation)
    {
        var row = MemberRow.Subscribe(accountId, sessionId, participantId, subscriptions);
        var write = await tables.Sessions.TryMergeAsync(row, ETag.All, cancellation);
        if (write.Outcome != WriteOutcome.Unknown)
            return write.Outcome == WriteOutcome.Done;

        // Either it was not made, or another change has covered it, and to write again could undo that one.
        var stored = await tables.Sessions.FindAsync(row.PartitionKey, row.RowKey, cancellation);
        return stored?.GetString(Columns.WriteId) == row.GetString(Columns.WriteId) ? true : throw Unsettled();
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

    private static StorageUnavailableException Unsettled() => new("A write got no answer, and whether it was made cannot be told.");

    private bool IsFull(SessionPartition session)
        => session.LiveMembers(time.GetUtcNow()).Count() >= options.ParticipantsPerSession;
}
