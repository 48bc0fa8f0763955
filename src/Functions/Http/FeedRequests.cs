using System.Globalization;
using System.Net;
using Microsoft.Azure.Functions.Worker.Http;
using Sessions.Events;
using Sessions.Model;

namespace Sessions.Http;

/// <summary>The query of a feed, which selects a page.</summary>
/// <param name="After">The cursor, or null for the oldest event that is kept.</param>
/// <param name="Limit">The most events.</param>
public sealed record FeedQuery(string? After, int Limit);

/// <summary>Reads the query of a feed, and creates the reply with a page.</summary>
public static class FeedRequests
{
    private const string CursorHeader = "x-next-cursor";

    /// <summary>Reads <c>after</c> and <c>limit</c>.</summary>
    public static Input<FeedQuery> FeedQuery(this HttpRequestData request)
    {
        var query = request.Query;
        if (query.GetValues("after") is { Length: > 1 } || query["after"] is { Length: 0 })
            return new(null, Reply.BadRequest("after: expected one cursor from a page of this feed."));

        return query.Limit() is { } limit ? new(new(query["after"], limit), null) : new(null, Lists.BadLimit);
    }

    /// <summary>
    /// Returns 200 with an array. A full page has a link to the next page. Every page has the cursor of its last event, with which the
    /// caller can request the events that follow.
    /// </summary>
    /// <param name="page">The page.</param>
    /// <param name="query">The query.</param>
    /// <param name="path">The path of the feed.</param>
    /// <param name="cursors">A description of the cursors that the feed accepts.</param>
    public static Reply ToReply(this FeedPage page, FeedQuery query, string path, string cursors) => page.Outcome switch
    {
        FeedOutcome.Done => Reply.Ok(page.Events, WireFormat.Default.IReadOnlyListSessionsEvent) with { MoreHeaders = HeadersOf(page, query, path) },
        FeedOutcome.NoSession => Reply.NoSession,
        FeedOutcome.Off => new(
            HttpStatusCode.Conflict,
            Error: "The feed of this account is off. To turn it on, run sessions events on. Servers notice within a minute and log only later events."),
        FeedOutcome.NoCursor => Reply.BadRequest($"after: expected {cursors}."),
        FeedOutcome.Gone => new(
            HttpStatusCode.Gone, Error: $"after: the events after this cursor are no longer kept. To continue, use after={page.Cursor}."),
        _ => throw new ArgumentOutOfRangeException(nameof(page)),
    };

    private static List<(string Name, string Value)> HeadersOf(FeedPage page, FeedQuery query, string path)
    {
        List<(string, string)> headers = [];
        if (page.Cursor is not null)
            headers.Add((CursorHeader, page.Cursor));
        if (page.Events.Count == query.Limit)
            headers.Add(("Link", string.Create(CultureInfo.InvariantCulture, $"<{path}?after={page.Cursor}&limit={query.Limit}>; rel=\"next\"")));
        return headers;
    }
}
