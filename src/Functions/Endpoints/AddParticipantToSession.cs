using Microsoft.Azure.Functions.Worker;
using Microsoft.Azure.Functions.Worker.Http;
using Sessions.Http;
using Sessions.Model;
using Sessions.Security;
using Sessions.Storage;

namespace Sessions.Endpoints;

/// <summary>PUT a participant into a session, with or without subscriptions. Returns 204.</summary>
public sealed class AddParticipantToSession(RequestPipeline pipeline, MembershipStore memberships)
{
    /// <summary>PUT a participant into a session, with or without subscriptions. Returns 204.</summary>
    [Function(nameof(AddParticipantToSession))]
    public Task<HttpResponseData> Run(
        [HttpTrigger(AuthorizationLevel.Anonymous, "put", Route = Routes.SessionParticipant)] HttpRequestData request,
        string accountId,
        string sessionId,
        string participantId)
        => pipeline.RunAsync(nameof(AddParticipantToSession), request, accountId, Access.Write, async (account, cancellation) =>
        {
            if (!SessionId.TryParse(sessionId, out var session))
                return Reply.NoSession;
            if (!ParticipantId.TryParse(participantId, out var participant))
                return Reply.NoParticipant;

            var body = await request.ReadJsonAsync(json => Subscriptions.Read(json, session), cancellation);
            if (body.Refusal is { } refusal)
                return refusal;

            return Reply.From(await memberships.JoinAsync(
                account, session, participant, body.Value, request.IfMatch(), cancellation));
        });
}
