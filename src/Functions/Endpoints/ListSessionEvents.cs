using Microsoft.Azure.Functions.Worker;
using Microsoft.Azure.Functions.Worker.Http;
using Sessions.Events;
using Sessions.Http;
using Sessions.Model;
using Sessions.Security;

namespace Sessions.Endpoints;

/// <summary>
/// GET the events of a session, even if it has ended. Returns 200 with an array, in the order in which the events took effect.
/// </summary>
public sealed class ListSessionEvents(RequestPipeline pipeline, EventFeeds feeds)
{
    /// <summary>GET the events of a session.</summary>
    [Function(nameof(ListSessionEvents))]
    public Task<HttpResponseData> Run(
        [HttpTrigger(AuthorizationLevel.Anonymous, "get", "head", Route = Routes.SessionEvents)] HttpRequestData request,
        string accountId,
        string sessionId)
        => pipeline.RunAsync(nameof(ListSessionEvents), request, accountId, Access.Read, async (account, cancellation) =>
        {
            var query = request.FeedQuery();
            if (query.Refusal is { } refusal)
                return refusal;
            if (!SessionId.TryParse(sessionId, out var id))
                return Reply.NoSession;

            var page = await feeds.ReadSessionAsync(account, id, query.Value!.After, query.Value.Limit, cancellation);
            return page.ToReply(query.Value, $"/v1/accounts/{account}/sessions/{id}/events", "the id of an event of this session");
        });
}
