using Sessions.Model;

namespace Sessions.Storage;

/// <summary>The participants of all accounts.</summary>
public sealed class ParticipantStore(Tables tables, SessionsOptions options, TimeProvider time)
{
    /// <summary>Makes a participant that is in no session.</summary>
    /// <returns>The participant, and when it ends.</returns>
    public async Task<(Participant Participant, DateTimeOffset Expires)> CreateAsync(
        string accountId, NewParticipant participant, CancellationToken cancellation)
    {
        var attempts = new Attempts(time, cancellation);
        while (true)
        {
            var now = time.GetUtcNow();
            var id = Guid.NewGuid();
            var fields = new ParticipantFields(
                participant.CallbackUrl,
                string.Join(',', participant.PublishPermissions),
                participant.Tag ?? id.ToString(),
                participant.DeviceApiVersion);
            var row = new ParticipantRow(id, fields, now, now + options.ParticipantLifetime);
            if (await tables.Participants.TryAddNewAsync(row.ToEntity(accountId), cancellation))
                return (row.ToModel(), row.Expires);

            await attempts.PauseAsync();
        }
    }

    /// <summary>The participant with its session and subscriptions, or null when there is none or it has expired.</summary>
    public async Task<Participant?> GetAsync(string accountId, Guid id, CancellationToken cancellation)
    {
        var participant = await FindAsync(tables, accountId, id, time.GetUtcNow(), cancellation);
        if (participant is null)
            return null;
        if (participant.SessionId is not { } claimed)
            return participant.ToModel();

        // A claim alone says nothing: it may be stale, or its join on the way.
        var row = await tables.Sessions.FindAsync(Keys.Partition(accountId, claimed), Keys.Member(id), cancellation);
        return row is not null && MemberRow.From(row) is var member && time.GetUtcNow() < member.Expires
            ? member.ToModel(claimed)
            : participant.ToModel();
    }

    /// <summary>Deletes the participant and takes it out of its session; false when there is none or it has expired.</summary>
    public async Task<bool> DeleteAsync(string accountId, Guid id, CancellationToken cancellation)
    {
        var attempts = new Attempts(time, cancellation);
        var mayBeDone = false;
        while (true)
        {
            var participant = await FindAsync(tables, accountId, id, time.GetUtcNow(), cancellation);
            if (participant is null)
                return mayBeDone;

            if (participant.SessionId is { } claimed)
                await LeaveAsync(accountId, claimed, id, attempts);

            // Under the ETag from before leaving: a join that has claimed since makes this fail.
            var write = await tables.Participants.TryDeleteAsync(
                Keys.Partition(accountId, id), Keys.Participant, participant.ETag, cancellation);
            if (write.Outcome == WriteOutcome.Done)
                return true;

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

    /// <summary>Removes the participant from the session it claims, or sees to it that its join there cannot land.</summary>
    private async Task LeaveAsync(string accountId, Guid sessionId, Guid participantId, Attempts attempts)
    {
        while (true)
        {
            var session = await SessionPartition.FindAsync(tables.Sessions, accountId, sessionId, attempts.Cancellation);
            if (session is null)
                return;

            var write = session.Member(participantId) is null
                ? await session.FenceAsync(attempts.Cancellation)
                : await session.RemoveAsync(participantId, Guid.NewGuid(), attempts.Cancellation);
            if (write.Outcome == WriteOutcome.Done)
                return;

            await attempts.PauseAsync();
        }
    }
}
