using Microsoft.Azure.Functions.Worker;
using Microsoft.Azure.Functions.Worker.Http;
using Sessions.Http;
using Sessions.Model;
using Sessions.Security;
using Sessions.Storage;

namespace Sessions.Endpoints;

/// <summary>GET the sessions of an account, in pages. Returns 200 with an array, the oldest first.</summary>
public sealed class ListSessions(RequestPipeline pipeline, SessionStore sessions)
{
    /// <summary>GET the sessions of an account, in pages. Returns 200 with an array, the oldest first.</summary>
    [Function(nameof(ListSessions))]
    public Task<HttpResponseData> Run(
        [HttpTrigger(AuthorizationLevel.Anonymous, "get", "head", Route = Routes.Sessions)] HttpRequestData request,
        string accountId)
        => pipeline.RunAsync(nameof(ListSessions), request, accountId, Access.Read, async (account, cancellation) =>
        {
            var query = request.ListQuery();
            if (query.Refusal is { } refusal)
                return refusal;

            var page = await sessions.ListAsync(account, query.Value!, cancellation);
            return Reply.Ok(page.Items, WireFormat.Default.IReadOnlyListSession) with { Header = request.NextLink(page.Next) };
        });
}
