using Microsoft.Azure.Functions.Worker;
using Microsoft.Azure.Functions.Worker.Http;
using Sessions.Http;
using Sessions.Model;
using Sessions.Storage;

namespace Sessions.Endpoints;

/// <summary>GET a session: 200 with it.</summary>
public sealed class GetSession(Api api, SessionStore sessions)
{
    /// <summary>GET a session: 200 with it.</summary>
    [Function(nameof(GetSession))]
    public Task<HttpResponseData> Run(
        [HttpTrigger(AuthorizationLevel.Anonymous, "get", Route = Routes.Session)] HttpRequestData request,
        string accountId,
        string sessionId)
        => api.RunAsync(nameof(GetSession), request, accountId, Access.Read, async cancellation =>
        {
            if (!Ids.TryParse(sessionId, out var id))
                return Reply.NoSession;

            return await sessions.GetAsync(accountId, id, cancellation) is { } session
                ? request.Answer(session, WireFormat.Default.Session)
                : Reply.NoSession;
        });
}
