using Microsoft.Azure.Functions.Worker;
using Microsoft.Azure.Functions.Worker.Http;
using Sessions.Http;
using Sessions.Model;
using Sessions.Security;
using Sessions.Storage;

namespace Sessions.Endpoints;

/// <summary>POST a participant. Returns 200 with the new participant and its token.</summary>
public sealed class CreateParticipant(RequestPipeline pipeline, ParticipantStore participants, ParticipantTokens tokens)
{
    /// <summary>POST a participant. Returns 200 with the new participant and its token.</summary>
    [Function(nameof(CreateParticipant))]
    public Task<HttpResponseData> Run(
        [HttpTrigger(AuthorizationLevel.Anonymous, "post", Route = Routes.Participants)] HttpRequestData request,
        string accountId)
        => pipeline.RunAsync(nameof(CreateParticipant), request, accountId, Access.Write, async (account, cancellation) =>
        {
            var body = await request.ReadJsonAsync(NewParticipant.Read, cancellation);
            if (body.Refusal is { } refusal)
                return refusal;

            var key = request.IdempotencyKey();
            if (key.Refusal is { } keyRefusal)
                return keyRefusal;

            var (outcome, participant, expires) = await participants.CreateAsync(
                account, body.Value ?? NewParticipant.Default, key.Value, cancellation);
            if (participant is null)
                return Reply.From(outcome);

            var token = tokens.Create(account, participant, expires);
            return Reply.Ok(new(participant, token), WireFormat.Default.CreatedParticipant);
        });
}
