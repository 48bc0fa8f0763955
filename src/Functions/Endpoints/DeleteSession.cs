using Microsoft.Azure.Functions.Worker;
using Microsoft.Azure.Functions.Worker.Http;
using Sessions.Http;
using Sessions.Model;
using Sessions.Security;
using Sessions.Storage;

namespace Sessions.Endpoints;

/// <summary>DELETE a session, which removes its participants from it. Returns 204.</summary>
public sealed class DeleteSession(RequestPipeline pipeline, MembershipStore memberships)
{
    /// <summary>DELETE a session, which removes its participants from it. Returns 204.</summary>
    [Function(nameof(DeleteSession))]
    public Task<HttpResponseData> Run(
        [HttpTrigger(AuthorizationLevel.Anonymous, "delete", Route = Routes.Session)] HttpRequestData request,
        string accountId,
        string sessionId)
        => pipeline.RunAsync(nameof(DeleteSession), request, accountId, Access.Write, async (account, cancellation) =>
        {
            if (!SessionId.TryParse(sessionId, out var id))
                return Reply.NoSession;

            return Reply.From(await memberships.DeleteSessionAsync(account, id, request.IfMatch(), cancellation));
        });
}
