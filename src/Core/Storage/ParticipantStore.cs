using Sessions.Model;

namespace Sessions.Storage;

/// <summary>The participants of all accounts. Their deletion is part of <see cref="MembershipStore"/>.</summary>
public sealed class ParticipantStore(Tables tables, SessionsOptions options, TimeProvider time, EventQueue events)
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

    /// <summary>The participant with its session and subscriptions, or null when there is none or it has expired.</summary>
    public async Task<Versioned<Participant>?> GetAsync(AccountId accountId, ParticipantId id, CancellationToken cancellation)
        => await ParticipantRow.FindAsync(tables.Participants, accountId, id, cancellation) is { } participant
            ? await ReadMembershipAsync(accountId, participant, cancellation)
            : null;

    /// <summary>The participants of an account, in the order of their ids.</summary>
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

    /// <summary>Reads the member row, too; null when the participant has expired. One look at the clock, after the reads, judges both.</summary>
    private async Task<Versioned<Participant>?> ReadMembershipAsync(
        AccountId accountId, ParticipantRow participant, CancellationToken cancellation)
    {
        // A claim alone says nothing: it may be stale, or its join on the way.
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
