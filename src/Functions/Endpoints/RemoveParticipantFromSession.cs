using Microsoft.Azure.Functions.Worker;
using Microsoft.Azure.Functions.Worker.Http;
using Sessions.Http;
using Sessions.Storage;

namespace Sessions.Endpoints;

/// <summary>DELETE a participant from a session: 204.</summary>
public sealed class RemoveParticipantFromSession(Api api, MembershipStore memberships)
{
    /// <summary>DELETE a participant from a session: 204.</summary>
    [Function(nameof(RemoveParticipantFromSession))]
    public Task<HttpResponseData> Run(
        [HttpTrigger(AuthorizationLevel.Anonymous, "delete", Route = Routes.SessionParticipant)] HttpRequestData request,
        string accountId,
        string sessionId,
        string participantId)
        => api.RunAsync(nameof(RemoveParticipantFromSession), request, accountId, Access.Write, async cancellation =>
        {
            if (!Ids.TryParse(sessionId, out var session))
                return Reply.NoSession;
            if (!Ids.TryParse(participantId, out var participant))
                return Reply.NoParticipant;

            return Reply.To(await memberships.RemoveAsync(accountId, session, participant, request.IfMatch(), cancellation));
        });
}
