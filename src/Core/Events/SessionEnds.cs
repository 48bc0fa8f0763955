using Sessions.Model;
using Sessions.Storage;

namespace Sessions.Events;

/// <summary>Ends sessions and memberships whose time is over, so that their events come in time and not with the sweep.</summary>
public sealed class SessionEnds(Tables tables, SessionsOptions options, TimeProvider time, EventQueue events)
{
    /// <summary>When the session or the first of its members ends.</summary>
    internal static DateTimeOffset NextEnd(HeaderRow header)
        => header.Members.Entries.Select(entry => entry.Expires).Append(header.Expires).Min();

    /// <summary>
    /// Ends the session, or the memberships of those who have expired, if the time is over. Both are transactions under the header's
    /// ETag, as a deletion and a leave are: a request that has read the header before meets a conflict, and reads again.
    /// </summary>
    /// <param name="accountId">The account.</param>
    /// <param name="header">The header as it was read.</param>
    /// <param name="announce">Whether nobody looks at the partition yet.</param>
    /// <param name="cancellation">Ends the calls.</param>
    /// <returns>Whether there was something to end: the partition is then read again.</returns>
    internal async Task<bool> EndDueAsync(AccountId accountId, HeaderRow header, bool announce, CancellationToken cancellation)
    {
        var now = time.GetUtcNow();
        if (NextEnd(header) > now)
            return false;

        if (announce)
            await events.AnnounceAsync(accountId, Keys.Partition(accountId, header.Id), cancellation);
        var session = new SessionPartition(tables.Sessions, accountId, header);
        var change = ChangeTime.At(now, options.EventRetention);
        var write = await (header.IsLive(now) ? session.DropExpiredAsync(change, cancellation) : session.EndAsync(change, cancellation));
        if (write.Outcome is WriteOutcome.NotSent or WriteOutcome.Unknown)
            throw new StorageUnavailableException("It is not known whether what has expired is ended.");
        return true;
    }
}
