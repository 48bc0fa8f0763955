using Sessions.Model;

namespace Sessions.Storage;

/// <summary>The participants of all accounts. Their deletion is part of <see cref="MembershipStore"/>.</summary>
public sealed class ParticipantStore(Tables tables, SessionsOptions options, TimeProvider time, EventQueue events)
{
    /// <summary>
    /// Creates a participant that is in no session. If the idempotency key was used before, returns the current state of the participant
    /// that was created with it.
    /// </summary>
    /// <returns>The outcome, the participant, and when it expires.</returns>
    public async Task<(Outcome Outcome, Participant? Participant, DateTimeOffset Expires)> CreateAsync(
        AccountId accountId, NewParticipant participant, string? idempotencyKey, CancellationToken cancellation)
    {
        var (row, isNew) = await NewRows.CreateAsync(
            tables.Participants,
            Keys.Participant,
            accountId,
            idempotencyKey,
            id => NewRow(new(id), participant),
            options,
            events,
            new(time, cancellation));
        if (isNew)
            return (Outcome.Done, row.ToModel(), row.Expires);
        var created = await ParticipantRow.FindAsync(tables.Participants, accountId, row.Id, cancellation);
        if (created is null || await ReadMembershipAsync(accountId, created, cancellation) is not { Value: var participantNow })
            return (Outcome.IdempotentResourceGone, null, default);
        if (created.Fields != row.Fields)
            return (Outcome.IdempotencyKeyReused, null, default);

        return (Outcome.Done, participantNow, created.Expires);
    }

    /// <summary>Reads a participant with its session and subscriptions. Returns null if it does not exist or has expired.</summary>
    public async Task<Versioned<Participant>?> GetAsync(AccountId accountId, ParticipantId id, CancellationToken cancellation)
        => await ParticipantRow.FindAsync(tables.Participants, accountId, id, cancellation) is { } participant
            ? await ReadMembershipAsync(accountId, participant, cancellation)
            : null;

    /// <summary>Lists the participants of an account, in the order of their ids.</summary>
    public async Task<Page<ListedParticipant>> ListAsync(AccountId accountId, ListQuery query, CancellationToken cancellation)
    {
        var page = await ResourceList.ReadAsync(tables.Participants, Keys.Participant, accountId, query, time.GetUtcNow(), cancellation);
        return new([.. page.Items.Select(row => ParticipantRow.From(row, new(Keys.IdIn(row.PartitionKey))).ToListed())], page.Next);
    }

    private ParticipantRow NewRow(ParticipantId id, NewParticipant participant)
    {
        var now = time.GetUtcNow();
        return new(id, ParticipantFields.Of(id, participant), now, now + options.ParticipantLifetime);
    }

    /// <summary>
    /// Reads the member row of a participant. Returns null if the participant has expired. The clock is read once, after the reads, and
    /// decides for both rows.
    /// </summary>
    private async Task<Versioned<Participant>?> ReadMembershipAsync(
        AccountId accountId, ParticipantRow participant, CancellationToken cancellation)
    {
        // The claim alone does not prove a membership, because it may be stale or its join may be in flight.
        var member = participant.SessionId is { } claimed
            ? await MemberRow.FindAsync(tables.Sessions, accountId, claimed, participant.Id, cancellation)
            : null;
        var now = time.GetUtcNow();
        if (!participant.IsLive(now))
            return null;

        return member?.IsLive(now) == true
            ? new(member.ToModel(participant.SessionId!.Value), member.EntityTag)
            : new(participant.ToModel(), participant.EntityTag);
    }
}
