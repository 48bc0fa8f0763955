using Sessions.Model;
using Sessions.Storage;

namespace Sessions.Events;

/// <summary>Ends expired sessions and memberships, so that their events are written in time and not only by the sweep.</summary>
public sealed class SessionEnds(Tables tables, SessionsOptions options, TimeProvider time, EventQueue events)
{
    /// <summary>When the session or its first member expires.</summary>
    internal static DateTimeOffset NextEnd(HeaderRow header)
        => header.Members.Entries.Select(entry => entry.Expires).Append(header.Expires).Min();

    /// <summary>
    /// Ends the session if it has expired, or the memberships that have expired. Both are transactions under the header's ETag, like a
    /// deletion and a leave. A request that has read the header before gets a conflict, and reads it again.
    /// </summary>
    /// <param name="accountId">The account.</param>
    /// <param name="header">The header as it was read.</param>
    /// <param name="announce">Whether to send a message about the events, because no look at the partition is in progress.</param>
    /// <param name="cancellation">Cancels the storage calls.</param>
    /// <returns>Whether anything had expired. The caller then reads the partition again.</returns>
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
            throw new StorageUnavailableException("It is not known whether the expired session or members were removed.");
        return true;
    }
}
