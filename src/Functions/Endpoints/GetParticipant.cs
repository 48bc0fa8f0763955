using Microsoft.Azure.Functions.Worker;
using Microsoft.Azure.Functions.Worker.Http;
using Sessions.Http;
using Sessions.Model;
using Sessions.Security;
using Sessions.Storage;

namespace Sessions.Endpoints;

/// <summary>GET a participant. Returns 200 with the participant.</summary>
public sealed class GetParticipant(RequestPipeline pipeline, ParticipantStore participants)
{
    /// <summary>GET a participant. Returns 200 with the participant.</summary>
    [Function(nameof(GetParticipant))]
    public Task<HttpResponseData> Run(
        [HttpTrigger(AuthorizationLevel.Anonymous, "get", "head", Route = Routes.Participant)] HttpRequestData request,
        string accountId,
        string participantId)
        => pipeline.RunAsync(nameof(GetParticipant), request, accountId, Access.Read, async (account, cancellation) =>
        {
            if (!ParticipantId.TryParse(participantId, out var id))
                return Reply.NoParticipant;

            return await participants.GetAsync(account, id, cancellation) is { } participant
                ? request.OkOrNotModified(participant, WireFormat.Default.Participant)
                : Reply.NoParticipant;
        });
}
