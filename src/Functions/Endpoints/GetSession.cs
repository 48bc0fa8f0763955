using Microsoft.Azure.Functions.Worker;
using Microsoft.Azure.Functions.Worker.Http;
using Sessions.Http;
using Sessions.Model;
using Sessions.Security;
using Sessions.Storage;

namespace Sessions.Endpoints;

/// <summary>GET a session. Returns 200 with the session.</summary>
public sealed class GetSession(RequestPipeline pipeline, SessionStore sessions)
{
    /// <summary>GET a session. Returns 200 with the session.</summary>
    [Function(nameof(GetSession))]
    public Task<HttpResponseData> Run(
        [HttpTrigger(AuthorizationLevel.Anonymous, "get", "head", Route = Routes.Session)] HttpRequestData request,
        string accountId,
        string sessionId)
        => pipeline.RunAsync(nameof(GetSession), request, accountId, Access.Read, async (account, cancellation) =>
        {
            if (!SessionId.TryParse(sessionId, out var id))
                return Reply.NoSession;

            return await sessions.GetAsync(account, id, cancellation) is { } session
                ? request.OkOrNotModified(session, WireFormat.Default.Session)
                : Reply.NoSession;
        });
}
