using Microsoft.Azure.Functions.Worker;
using Microsoft.Azure.Functions.Worker.Http;
using Sessions.Http;
using Sessions.Storage;

namespace Sessions.Endpoints;

/// <summary>DELETE a participant, which takes it out of its session: 204.</summary>
public sealed class DeleteParticipant(Api api, ParticipantStore participants)
{
    /// <summary>DELETE a participant, which takes it out of its session: 204.</summary>
    [Function(nameof(DeleteParticipant))]
    public Task<HttpResponseData> Run(
        [HttpTrigger(AuthorizationLevel.Anonymous, "delete", Route = Routes.Participant)] HttpRequestData request,
        string accountId,
        string participantId)
        => api.RunAsync(nameof(DeleteParticipant), request, accountId, Access.Write, async cancellation =>
        {
            if (!Ids.TryParse(participantId, out var id))
                return Reply.NoParticipant;

            return Reply.To(await participants.DeleteAsync(accountId, id, request.IfMatch(), cancellation));
        });
}
