using System.Globalization;
using Sessions.Model;
using Sessions.Storage;

namespace Sessions.Events;

/// <summary>How the reading of a feed ended.</summary>
public enum FeedOutcome
{
    /// <summary>There is a page.</summary>
    Done,

    /// <summary>There is no such session.</summary>
    NoSession,

    /// <summary>The account's feed is off.</summary>
    Off,

    /// <summary>The cursor is not one of this feed.</summary>
    NoCursor,

    /// <summary>Events behind the cursor are not kept any more; <see cref="FeedPage.Cursor"/> says from where to go on.</summary>
    Gone,
}

/// <summary>A page of a feed.</summary>
/// <param name="Outcome">How it ended.</param>
/// <param name="Events">The events, in order.</param>
/// <param name="Cursor">Stands for the last event of the page; null for the beginning.</param>
public sealed record FeedPage(FeedOutcome Outcome, IReadOnlyList<SessionsEvent> Events, string? Cursor)
{
    internal static FeedPage Failed(FeedOutcome outcome, string? cursor = null) => new(outcome, [], cursor);
}

/// <summary>
/// The events of a session, which are its outbox, and of an account, which are its log. A cursor neither skips nor repeats an event:
/// both are in an order in which nothing is ever put in between.
/// </summary>
public sealed class EventFeeds(Tables tables, EventLog log, Feeds feeds, SessionEnds? ends = null)
{
    private const string LogPrefix = "log_";

    /// <summary>
    /// The events of a session behind the one whose id is the cursor. Two storage calls at once; when the session's time is over and
    /// nobody has ended it yet, it is ended first.
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
    /// The events of an account behind a cursor that a page gave. One storage call; a second one tells a cursor without anything behind it
    /// from one that is none, and a third whether the feed is on, when this server does not remember it.
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

            // It may have grown between the two reads.
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
