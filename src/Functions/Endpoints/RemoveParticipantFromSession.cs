using Microsoft.Azure.Functions.Worker;
using Microsoft.Azure.Functions.Worker.Http;
using Sessions.Http;
using Sessions.Model;
using Sessions.Security;
using Sessions.Storage;

namespace Sessions.Endpoints;

/// <summary>DELETE a participant from a session. Returns 204.</summary>
public sealed class RemoveParticipantFromSession(RequestPipeline pipeline, MembershipStore memberships)
{
    /// <summary>DELETE a participant from a session. Returns 204.</summary>
    [Function(nameof(RemoveParticipantFromSession))]
    public Task<HttpResponseData> Run(
        [HttpTrigger(AuthorizationLevel.Anonymous, "delete", Route = Routes.SessionParticipant)] HttpRequestData request,
        string accountId,
        string sessionId,
        string participantId)
        => pipeline.RunAsync(nameof(RemoveParticipantFromSession), request, accountId, Access.Write, async (account, cancellation) =>
        {
            if (!SessionId.TryParse(sessionId, out var session))
                return Reply.NoSession;
            if (!ParticipantId.TryParse(participantId, out var participant))
                return Reply.NoParticipant;

            return Reply.From(await memberships.LeaveAsync(account, session, participant, request.IfMatch(), cancellation));
        });
}
