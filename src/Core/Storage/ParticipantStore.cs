using Sessions.Model;

namespace Sessions.Storage;

/// <summary>The participants of all accounts. Their deletion is part of <see cref="MembershipStore"/>.</summary>
public sealed class ParticipantStore(Tables tables, SessionsOptions options, TimeProvider time)
{
    /// <summary>
    /// Creates a participant that is in no session, or with an idempotency key that was used before returns the one that was
    /// created then, as it is now.
    /// </summary>
    /// <returns>With the participant, when it expires.</returns>
    public async Task<(Outcome Outcome, Participant? Participant, DateTimeOffset Expires)> CreateAsync(
        AccountId accountId, NewParticipant participant, string? idempotencyKey, CancellationToken cancellation)
    {
        var (row, isNew) = await NewRows.CreateAsync(
            tables.Participants,
            Keys.Participant,
            accountId,
            idempotencyKey,
            id => NewRow(new(id), participant),
            options.IdempotencyKeyLifetime,
            new(time, cancellation));
        if (isNew)
            return (Outcome.Done, row.ToModel(), row.Expires);
        var created = await ParticipantRow.FindAsync(tables.Participants, accountId, row.Id, cancellation);
        var now = time.GetUtcNow();
        if (created?.IsLive(now) != true)
            return (Outcome.IdempotentResourceGone, null, default);
        if (created.Fields != row.Fields)
            return (Outcome.IdempotencyKeyReused, null, default);

        return (Outcome.Done, (await ReadMembershipAsync(accountId, created, now, cancellation)).Value, created.Expires);
    }

    /// <summary>The participant with its session and subscriptions, or null when there is none or it has expired.</summary>
    public async Task<Versioned<Participant>?> GetAsync(AccountId accountId, ParticipantId id, CancellationToken cancellation)
    {
        var participant = await ParticipantRow.FindAsync(tables.Participants, accountId, id, cancellation);
        var now = time.GetUtcNow();
        return participant?.IsLive(now) == true ? await ReadMembershipAsync(accountId, participant, now, cancellation) : null;
    }

    private ParticipantRow NewRow(ParticipantId id, NewParticipant participant)
    {
        var now = time.GetUtcNow();
        return new(id, ParticipantFields.Of(id, participant), now, now + options.ParticipantLifetime);
    }

    /// <summary>Reads the member row, too. It lives if it did at the moment at which the participant did.</summary>
    private async Task<Versioned<Participant>> ReadMembershipAsync(
        AccountId accountId, ParticipantRow participant, DateTimeOffset now, CancellationToken cancellation)
    {
        // A claim alone says nothing: it may be stale, or its join on the way.
        if (participant.SessionId is { } claimed
            && await MemberRow.FindAsync(tables.Sessions, accountId, claimed, participant.Id, cancellation) is { } member
            && member.IsLive(now))
        {
            return new(member.ToModel(claimed), member.EntityTag);
        }

        return new(participant.ToModel(), participant.EntityTag);
    }
}
