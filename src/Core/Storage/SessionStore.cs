using Azure.Data.Tables;
using Sessions.Model;

namespace Sessions.Storage;

/// <summary>The sessions of all accounts.</summary>
public sealed class SessionStore(Tables tables, SessionsOptions options, TimeProvider time)
{
    /// <summary>Makes a session, or with an idempotency key that was used before answers the one that was made then.</summary>
    public async Task<(Outcome Outcome, Session? Session)> CreateAsync(
        string accountId, NewSession session, string? idempotencyKey, CancellationToken cancellation)
    {
        var attempts = new Attempts(time, cancellation);
        if (idempotencyKey is not null)
            return await CreateOnceAsync(accountId, NewHeader(Keys.IdOf(Keys.Header, accountId, idempotencyKey), session), attempts);

        while (true)
        {
            var header = NewHeader(Guid.NewGuid(), session);
            var row = header.ToEntity(accountId);
            if (await IndexAsync(header, row, cancellation, () => tables.Sessions.TryAddNewAsync(row, cancellation)))
                return (Outcome.Done, header.ToModel());

            await attempts.PauseAsync();
        }
    }

    /// <summary>The session, or null when there is none or it has expired.</summary>
    public async Task<Tagged<Session>?> GetAsync(string accountId, Guid id, CancellationToken cancellation)
    {
        var row = await tables.Sessions.FindAsync(Keys.Partition(accountId, id), Keys.Header, cancellation);
        return row is not null && HeaderRow.From(row, id) is var header && time.GetUtcNow() < header.Expires
            ? new(header.ToModel(), header.Version)
            : null;
    }

    /// <summary>The participants in the session, or null when there is no session or it has expired.</summary>
    public async Task<IReadOnlyList<Participant>?> ListParticipantsAsync(string accountId, Guid id, CancellationToken cancellation)
    {
        var session = await SessionPartition.FindAsync(tables.Sessions, accountId, id, cancellation);
        var now = time.GetUtcNow();
        return session is not null && now < session.Header.Expires
            ? [.. session.LiveMembers(now).OrderBy(member => member.Joined).Select(member => member.ToModel(id))]
            : null;
    }

    /// <summary>Deletes the session and frees its members.</summary>
    public async Task<Outcome> DeleteAsync(string accountId, Guid id, Precondition precondition, CancellationToken cancellation)
    {
        var attempts = new Attempts(time, cancellation);
        var mayBeDone = false;
        while (true)
        {
            var session = await SessionPartition.FindAsync(tables.Sessions, accountId, id, cancellation);
            if (session is null || session.Header.Expires <= time.GetUtcNow())
                return mayBeDone ? Outcome.Done : Outcome.NoSession;
            if (!precondition.Holds(session.Header.Version))
                return Outcome.PreconditionFailed;

            var write = await session.DeleteAsync(cancellation);
            if (write.Outcome == WriteOutcome.Done)
                return Outcome.Done;

            mayBeDone |= write.Outcome == WriteOutcome.Unknown;
            await attempts.PauseAsync();
        }
    }

    private HeaderRow NewHeader(Guid id, NewSession session)
    {
        var now = time.GetUtcNow();
        return new(id, session.Tag, now, now + options.SessionLifetime);
    }

    private Task<bool> IndexAsync(HeaderRow header, TableEntity row, CancellationToken cancellation, Func<Task<bool>> add)
        => ExpiryIndex.AddAsync(tables.Sessions, row, header.Expires, new Attempts(time, cancellation), add);

    private async Task<(Outcome Outcome, Session? Session)> CreateOnceAsync(string accountId, HeaderRow header, Attempts attempts)
    {
        var row = header.ToEntity(accountId);
        if (await IndexAsync(header, row, attempts.Cancellation, () => tables.Sessions.TryAddOnceAsync(row, attempts)))
            return (Outcome.Done, header.ToModel());
        if (await GetAsync(accountId, header.Id, attempts.Cancellation) is not { Value: var made })
            return (Outcome.KeySpent, null);

        return made.Tag == header.Tag ? (Outcome.Done, made) : (Outcome.KeyOfAnother, null);
    }
}
