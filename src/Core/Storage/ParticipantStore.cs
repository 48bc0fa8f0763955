using Azure;
using Azure.Data.Tables;
using Sessions.Model;

namespace Sessions.Storage;

/// <summary>The participants of all accounts.</summary>
public sealed class ParticipantStore(Tables tables, SessionsOptions options, TimeProvider time)
{
    /// <summary>
    /// Makes a participant that is in no session, or with an idempotency key that was used before answers the one that was
    /// made then, as it is now.
    /// </summary>
    /// <returns>With the participant, when it ends.</returns>
    public async Task<(Outcome Outcome, Participant? Participant, DateTimeOffset Expires)> CreateAsync(
        string accountId, NewParticipant participant, string? idempotencyKey, CancellationToken cancellation)
    {
        var attempts = new Attempts(time, cancellation);
        if (idempotencyKey is not null)
            return await CreateOnceAsync(accountId, NewRow(Keys.IdOf(Keys.Participant, accountId, idempotencyKey), participant), attempts);

        while (true)
        {
            var made = NewRow(Guid.NewGuid(), participant);
            var row = made.ToEntity(accountId);
            if (await IndexAsync(made, row, cancellation, () => tables.Participants.TryAddNewAsync(row, cancellation)))
                return (Outcome.Done, made.ToModel(), made.Expires);

            await attempts.PauseAsync();
        }
    }

    /// <summary>The participant with its session and subscriptions, or null when there is none or it has expired.</summary>
    public async Task<Tagged<Participant>?> GetAsync(string accountId, Guid id, CancellationToken cancellation)
        => await FindAsync(tables, accountId, id, time.GetUtcNow(), cancellation) is { } participant
            ? await ReadMembershipAsync(accountId, participant, cancellation)
            : null;

    /// <summary>Deletes the participant and takes it out of its session.</summary>
    public async Task<Outcome> DeleteAsync(string accountId, Guid id, Precondition precondition, CancellationToken cancellation)
    {
        var attempts = new Attempts(time, cancellation);
        var mayBeDone = false;
        while (true)
        {
            var participant = await FindAsync(tables, accountId, id, time.GetUtcNow(), cancellation);
            if (participant is null)
                return mayBeDone ? Outcome.Done : Outcome.NoParticipant;

            if (participant.SessionId is { } claimed)
            {
                var left = await LeaveAsync(accountId, claimed, participant, precondition, attempts);
                if (left == Outcome.PreconditionFailed)
                    return left;

                // The participant was in the state asked for when it left: what is begun is finished.
                if (left == Outcome.Done)
                    precondition = Precondition.None;
            }
            else if (!precondition.Holds(participant.VersionOutside))
            {
                return Outcome.PreconditionFailed;
            }

            // Under the ETag from before leaving: a join that has claimed since makes this fail.
            var write = await tables.Participants.TryDeleteAsync(
                Keys.Partition(accountId, id), Keys.Participant, participant.ETag, cancellation);
            if (write.Outcome == WriteOutcome.Done)
                return Outcome.Done;

            mayBeDone |= write.Outcome == WriteOutcome.Unknown;
            await attempts.PauseAsync();
        }
    }

    /// <summary>The row, or null when there is none or it has expired.</summary>
    internal static async Task<ParticipantRow?> FindAsync(
        Tables tables, string accountId, Guid id, DateTimeOffset now, CancellationToken cancellation)
    {
        var row = await tables.Participants.FindAsync(Keys.Partition(accountId, id), Keys.Participant, cancellation);
        return row is not null && ParticipantRow.From(row, id) is var participant && now < participant.Expires ? participant : null;
    }

    private ParticipantRow NewRow(Guid id, NewParticipant participant)
    {
        var now = time.GetUtcNow();
        var fields = new ParticipantFields(
            participant.CallbackUrl,
            string.Join(',', participant.PublishPermissions),
            participant.Tag ?? id.ToString(),
            participant.DeviceApiVersion);
        return new(id, fields, now, now + options.ParticipantLifetime);
    }

    private Task<bool> IndexAsync(ParticipantRow made, TableEntity row, CancellationToken cancellation, Func<Task<bool>> add)
        => ExpiryIndex.AddAsync(tables.Participants, row, made.Expires, new Attempts(time, cancellation), add);

    private async Task<(Outcome Outcome, Participant? Participant, DateTimeOffset Expires)> CreateOnceAsync(
        string accountId, ParticipantRow asked, Attempts attempts)
    {
        var row = asked.ToEntity(accountId);
        if (await IndexAsync(asked, row, attempts.Cancellation, () => tables.Participants.TryAddOnceAsync(row, attempts)))
            return (Outcome.Done, asked.ToModel(), asked.Expires);
        if (await FindAsync(tables, accountId, asked.Id, time.GetUtcNow(), attempts.Cancellation) is not { } made)
            return (Outcome.KeySpent, null, default);
        if (made.Fields != asked.Fields)
            return (Outcome.KeyOfAnother, null, default);

        return (Outcome.Done, (await ReadMembershipAsync(accountId, made, attempts.Cancellation)).Value, made.Expires);
    }

    private async Task<Tagged<Participant>> ReadMembershipAsync(
        string accountId, ParticipantRow participant, CancellationToken cancellation)
    {
        // A claim alone says nothing: it may be stale, or its join on the way.
        if (participant.SessionId is { } claimed
            && await MembershipStore.FindMemberAsync(tables, accountId, claimed, participant.Id, time, cancellation) is { } member)
        {
            return new(member.ToModel(claimed), member.WriteId);
        }

        return new(participant.ToModel(), participant.VersionOutside);
    }

    /// <summary>Removes the participant from the session it claims, or sees to it that its join there cannot land.</summary>
    /// <returns><see cref="Outcome.NotAMember"/> when there was nothing to remove.</returns>
    private async Task<Outcome> LeaveAsync(
        string accountId, Guid sessionId, ParticipantRow participant, Precondition precondition, Attempts attempts)
    {
        var mayBeDone = false;
        while (true)
        {
            var session = await SessionPartition.FindAsync(tables.Sessions, accountId, sessionId, attempts.Cancellation);
            var member = session?.Member(participant.Id);
            var version = member is not null && time.GetUtcNow() < member.Expires ? member.WriteId : participant.VersionOutside;
            if ((member is not null || !mayBeDone) && !precondition.Holds(version))
                return Outcome.PreconditionFailed;
            if (session is null)
                return mayBeDone ? Outcome.Done : Outcome.NotAMember;

            var write = member is null
                ? await session.FenceAsync(attempts.Cancellation)
                : await session.RemoveAsync(
                    participant.Id, precondition.IsSet ? member.ETag : ETag.All, Guid.NewGuid(), attempts.Cancellation);
            if (write.Outcome == WriteOutcome.Done)
                return member is null && !mayBeDone ? Outcome.NotAMember : Outcome.Done;

            mayBeDone |= member is not null && write.Outcome == WriteOutcome.Unknown;
            await attempts.PauseAsync();
        }
    }
}
