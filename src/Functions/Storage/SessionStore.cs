using Sessions.Model;

namespace Sessions.Storage;

/// <summary>The sessions of all accounts.</summary>
public sealed class SessionStore(Tables tables, SessionsOptions options, TimeProvider time)
{
    /// <summary>Makes a session.</summary>
    public async Task<Session> CreateAsync(string accountId, NewSession session, CancellationToken cancellation)
    {
        var attempts = new Attempts(time, cancellation);
        while (true)
        {
            var now = time.GetUtcNow();
            var header = new HeaderRow(Guid.NewGuid(), session.Tag, now, now + options.SessionLifetime);
            if (await tables.Sessions.TryAddNewAsync(header.ToEntity(accountId), cancellation))
                return header.ToModel();

            await attempts.PauseAsync();
        }
    }

    /// <summary>The session, or null when there is none or it has expired.</summary>
    public async Task<Session?> GetAsync(string accountId, Guid id, CancellationToken cancellation)
    {
        var row = await tables.Sessions.FindAsync(Keys.Partition(accountId, id), Keys.Header, cancellation);
        return row is not null && HeaderRow.From(row, id) is var header && time.GetUtcNow() < header.Expires ? header.ToModel() : null;
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

    /// <summary>Deletes the session and frees its members; false when there is none or it has expired.</summary>
    public async Task<bool> DeleteAsync(string accountId, Guid id, CancellationToken cancellation)
    {
        var attempts = new Attempts(time, cancellation);
        var mayBeDone = false;
        while (true)
        {
            var session = await SessionPartition.FindAsync(tables.Sessions, accountId, id, cancellation);
            if (session is null || session.Header.Expires <= time.GetUtcNow())
                return mayBeDone;

            var write = await session.DeleteAsync(cancellation);
            if (write.Outcome == WriteOutcome.Done)
                return true;

            mayBeDone |= write.Outcome == WriteOutcome.Unknown;
            await attempts.PauseAsync();
        }
    }
}
