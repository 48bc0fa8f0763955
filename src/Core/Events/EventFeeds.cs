using System.Globalization;
using Sessions.Model;
using Sessions.Storage;

namespace Sessions.Events;

/// <summary>The result of reading a feed.</summary>
public enum FeedOutcome
{
    /// <summary>A page was read.</summary>
    Done,

    /// <summary>The session does not exist.</summary>
    NoSession,

    /// <summary>The account's feed is off.</summary>
    Off,

    /// <summary>The cursor is not valid for this feed.</summary>
    NoCursor,

    /// <summary>Events after the cursor have expired. <see cref="FeedPage.Cursor"/> is the position from which to continue.</summary>
    Gone,
}

/// <summary>A page of a feed.</summary>
/// <param name="Outcome">The result.</param>
/// <param name="Events">The events, in order.</param>
/// <param name="Cursor">The cursor of the last event of the page, or null for the beginning of the feed.</param>
public sealed record FeedPage(FeedOutcome Outcome, IReadOnlyList<SessionsEvent> Events, string? Cursor)
{
    internal static FeedPage Failed(FeedOutcome outcome, string? cursor = null) => new(outcome, [], cursor);
}

/// <summary>
/// Reads the events of a session from its outbox, and the events of an account from its log. A cursor neither skips nor repeats an event,
/// because no event is ever inserted before an existing one.
/// </summary>
public sealed class EventFeeds(Tables tables, EventLog log, Feeds feeds, SessionEnds? ends = null)
{
    private const string LogPrefix = "log_";

    /// <summary>
    /// Reads the events of a session after the one whose id is the cursor. Two storage calls in parallel. If the session has expired and
    /// its end is not written yet, the end is written first.
    /// </summary>
    public async Task<FeedPage> ReadSessionAsync(
        AccountId accountId, SessionId id, string? after, int limit, CancellationToken cancellation)
    {
        var cursor = new EventId(id.Value, 0, 0);
        if (after is not null && (!EventId.TryParse(after, out cursor) || cursor.Source != id.Value || cursor.Number == 0))
            return FeedPage.Failed(FeedOutcome.NoCursor);

        while (true)
        {
            var reading = Outbox.ReadSessionAsync(tables, accountId, id, cursor.Number, limit + 1, cancellation);
            var finding = HeaderRow.FindAsync(tables.Sessions, accountId, id, cancellation);
            await Task.WhenAll(reading, finding);
            var (outbox, header) = (await reading, await finding);
            if (header is not null && ends is not null && await ends.EndDueAsync(accountId, header, announce: true, cancellation))
                continue;

            return PageOf(outbox, header, cursor, after, limit);
        }
    }

    private static FeedPage PageOf(Outbox outbox, HeaderRow? header, EventId cursor, string? after, int limit)
    {
        if (outbox.Rows.Count == 0)
        {
            return header is null ? FeedPage.Failed(FeedOutcome.NoSession)
                : after is null ? new(FeedOutcome.Done, [], null)
                : cursor.Number > header.Events ? FeedPage.Failed(FeedOutcome.NoCursor)
                : new(FeedOutcome.Done, [], after);
        }

        var first = outbox.Rows[0];
        if (after is not null && first.Number > cursor.Number + 1)
            return FeedPage.Failed(FeedOutcome.Gone, new EventId(cursor.Source, first.Number - 1, 0).ToString());
        if (after is not null && first.Number == cursor.Number && cursor.Index >= first.Events.Count)
            return FeedPage.Failed(FeedOutcome.NoCursor);

        var events = outbox.EventsBehind(cursor.Number, cursor.Index + 1).Take(limit).Select(found => found.Event).ToArray();
        return new(FeedOutcome.Done, events, events.Length > 0 ? events[^1].Id : after);
    }

    /// <summary>
    /// Reads the events of an account after the cursor of a page, for example <c>log_42</c>. One storage call. If the page is empty, a
    /// second call checks that the cursor is valid. If this server has not cached whether the feed is on, another call reads that in
    /// parallel.
    /// </summary>
    public async Task<FeedPage> ReadAccountAsync(AccountId accountId, string? after, int limit, CancellationToken cancellation)
    {
        var position = 0L;
        if (after is not null && !TryParsePosition(after, out position))
            return FeedPage.Failed(FeedOutcome.NoCursor);

        var asking = feeds.IsOnAsync(accountId, cancellation).AsTask();
        var reading = log.ReadAsync(accountId, position, limit, cancellation);
        await Task.WhenAll(asking, reading);
        if (!await asking)
            return FeedPage.Failed(FeedOutcome.Off);

        var entries = await reading;
        if (entries.Count == 0)
        {
            var head = await log.FindHeadAsync(accountId, cancellation);
            if (position > head)
                return FeedPage.Failed(FeedOutcome.NoCursor);

            // The log may have grown between the two reads.
            entries = position < head ? await log.ReadAsync(accountId, position, limit, cancellation) : entries;
            if (entries.Count == 0)
            {
                return position == head || after is null
                    ? new(FeedOutcome.Done, [], head == 0 ? after : CursorOf(head))
                    : FeedPage.Failed(FeedOutcome.Gone, CursorOf(head));
            }
        }

        return after is not null && entries[0].Position > position + 1
            ? FeedPage.Failed(FeedOutcome.Gone, CursorOf(entries[0].Position - 1))
            : new(FeedOutcome.Done, [.. entries.Select(entry => entry.Event)], CursorOf(entries[^1].Position));
    }

    private static string CursorOf(long position) => string.Create(CultureInfo.InvariantCulture, $"{LogPrefix}{position}");

    private static bool TryParsePosition(string text, out long position)
        => long.TryParse(
                text.StartsWith(LogPrefix, StringComparison.Ordinal) ? text.AsSpan(LogPrefix.Length) : [],
                NumberStyles.None,
                CultureInfo.InvariantCulture,
                out position)
            && position < 1_000_000_000_000_000;
}
