using Microsoft.Azure.Functions.Worker;
using Microsoft.Azure.Functions.Worker.Http;
using Sessions.Http;
using Sessions.Model;
using Sessions.Security;
using Sessions.Storage;

namespace Sessions.Endpoints;

/// <summary>PUT the subscriptions of a participant in a session. A request without a body clears them. Returns 204.</summary>
public sealed class UpdateParticipantSubscriptions(RequestPipeline pipeline, MembershipStore memberships)
{
    /// <summary>PUT the subscriptions of a participant in a session. A request without a body clears them. Returns 204.</summary>
    [Function(nameof(UpdateParticipantSubscriptions))]
    public Task<HttpResponseData> Run(
        [HttpTrigger(AuthorizationLevel.Anonymous, "put", Route = Routes.Subscriptions)] HttpRequestData request,
        string accountId,
        string sessionId,
        string participantId)
        => pipeline.RunAsync(nameof(UpdateParticipantSubscriptions), request, accountId, Access.Write, async (account, cancellation) =>
        {
            if (!SessionId.TryParse(sessionId, out var session))
                return Reply.NoSession;
            if (!ParticipantId.TryParse(participantId, out var participant))
                return Reply.NoParticipant;

            var body = await request.ReadJsonAsync(json => Subscriptions.Read(json, session), cancellation);
            if (body.Refusal is { } refusal)
                return refusal;

            return Reply.From(await memberships.UpdateSubscriptionsAsync(
                account, session, participant, body.Value ?? Subscriptions.None, request.IfMatch(), cancellation));
        });
}
