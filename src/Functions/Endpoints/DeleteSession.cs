using Microsoft.Azure.Functions.Worker;
using Microsoft.Azure.Functions.Worker.Http;
using Sessions.Http;
using Sessions.Storage;

namespace Sessions.Endpoints;

/// <summary>DELETE a session, which frees its participants: 204.</summary>
public sealed class DeleteSession(Api api, SessionStore sessions)
{
    /// <summary>DELETE a session, which frees its participants: 204.</summary>
    [Function(nameof(DeleteSession))]
    public Task<HttpResponseData> Run(
        [HttpTrigger(AuthorizationLevel.Anonymous, "delete", Route = Routes.Session)] HttpRequestData request,
        string accountId,
        string sessionId)
        => api.RunAsync(nameof(DeleteSession), request, accountId, Access.Write, async cancellation =>
        {
            if (!Ids.TryParse(sessionId, out var id))
                return Reply.NoSession;

            return Reply.To(await sessions.DeleteAsync(accountId, id, request.IfMatch(), cancellation));
        });
}
