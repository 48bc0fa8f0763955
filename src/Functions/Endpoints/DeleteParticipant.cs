using Microsoft.Azure.Functions.Worker;
using Microsoft.Azure.Functions.Worker.Http;
using Sessions.Http;
using Sessions.Model;
using Sessions.Security;
using Sessions.Storage;

namespace Sessions.Endpoints;

/// <summary>DELETE a participant, which removes it from its session. Returns 204.</summary>
public sealed class DeleteParticipant(RequestPipeline pipeline, MembershipStore memberships)
{
    /// <summary>DELETE a participant, which removes it from its session. Returns 204.</summary>
    [Function(nameof(DeleteParticipant))]
    public Task<HttpResponseData> Run(
        [HttpTrigger(AuthorizationLevel.Anonymous, "delete", Route = Routes.Participant)] HttpRequestData request,
        string accountId,
        string participantId)
        => pipeline.RunAsync(nameof(DeleteParticipant), request, accountId, Access.Write, async (account, cancellation) =>
        {
            if (!ParticipantId.TryParse(participantId, out var id))
                return Reply.NoParticipant;

            return Reply.From(await memberships.DeleteParticipantAsync(account, id, request.IfMatch(), cancellation));
        });
}
