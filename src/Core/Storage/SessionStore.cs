using Sessions.Model;

namespace Sessions.Storage;

/// <summary>The sessions of all accounts. Their deletion is part of <see cref="MembershipStore"/>.</summary>
public sealed class SessionStore(Tables tables, SessionsOptions options, TimeProvider time, EventQueue events)
{
    /// <summary>Creates a session. If the idempotency key was used before, returns the session that was created with it.</summary>
    public async Task<(Outcome Outcome, Session? Session)> CreateAsync(
        AccountId accountId, NewSession session, string? idempotencyKey, CancellationToken cancellation)
    {
        var (header, isNew) = await NewRows.CreateAsync(
            tables.Sessions,
            Keys.Header,
            accountId,
            idempotencyKey,
            id => NewHeader(new(id), session),
            options,
            events,
            new(time, cancellation));
        if (isNew)
            return (Outcome.Done, header.ToModel(header.Created));
        if (await GetAsync(accountId, header.Id, cancellation) is not { Value: var created })
            return (Outcome.IdempotentResourceGone, null);

        return created.Tag == header.Tag ? (Outcome.Done, created) : (Outcome.IdempotencyKeyReused, null);
    }

    /// <summary>Reads a session. Returns null if it does not exist or has expired.</summary>
    public async Task<Versioned<Session>?> GetAsync(AccountId accountId, SessionId id, CancellationToken cancellation)
    {
        var header = await HeaderRow.FindAsync(tables.Sessions, accountId, id, cancellation);
        var now = time.GetUtcNow();
        return header?.IsLive(now) == true ? new(header.ToModel(now), header.EntityTag(now)) : null;
    }

    /// <summary>Lists the sessions of an account, in the order of their ids.</summary>
    public async Task<Page<Session>> ListAsync(AccountId accountId, ListQuery query, CancellationToken cancellation)
    {
        var now = time.GetUtcNow();
        var page = await ResourceList.ReadAsync(tables.Sessions, Keys.Header, accountId, query, now, cancellation);
        return new([.. page.Items.Select(row => HeaderRow.From(row, new(Keys.IdIn(row.PartitionKey))).ToModel(now))], page.Next);
    }

    /// <summary>Lists the participants of a session. Returns null if the session does not exist or has expired.</summary>
    public async Task<IReadOnlyList<Participant>?> ListParticipantsAsync(AccountId accountId, SessionId id, CancellationToken cancellation)
    {
        var session = await MemberList.FindAsync(tables.Sessions, accountId, id, new(time, cancellation));
        var now = time.GetUtcNow();
        if (session?.Header.IsLive(now) != true)
            return null;

        var rows = session.Members.ToDictionary(member => member.ParticipantId);
        return [.. session.Header.Members.Live(now).Select(entry => rows[entry.ParticipantId].ToModel(id))];
    }

    private HeaderRow NewHeader(SessionId id, NewSession session)
    {
        var now = time.GetUtcNow();
        return new(id, session.Tag, now, now + options.SessionLifetime);
    }
}
