using Microsoft.Azure.Functions.Worker;
using Microsoft.Azure.Functions.Worker.Http;
using Sessions.Events;
using Sessions.Http;
using Sessions.Security;

namespace Sessions.Endpoints;

/// <summary>GET the events of an account. Returns 200 with an array, in the order of the account's log.</summary>
public sealed class ListEvents(RequestPipeline pipeline, EventFeeds feeds)
{
    /// <summary>GET the events of an account.</summary>
    [Function(nameof(ListEvents))]
    public Task<HttpResponseData> Run(
        [HttpTrigger(AuthorizationLevel.Anonymous, "get", "head", Route = Routes.Events)] HttpRequestData request,
        string accountId)
        => pipeline.RunAsync(nameof(ListEvents), request, accountId, Access.Read, async (account, cancellation) =>
        {
            var query = request.FeedQuery();
            if (query.Refusal is { } refusal)
                return refusal;

            var page = await feeds.ReadAccountAsync(account, query.Value!.After, query.Value.Limit, cancellation);
            return page.ToReply(query.Value, $"/v1/accounts/{account}/events", "a cursor of this feed, for example log_42");
        });
}
