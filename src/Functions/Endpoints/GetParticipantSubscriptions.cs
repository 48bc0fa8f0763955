using Microsoft.Azure.Functions.Worker;
using Microsoft.Azure.Functions.Worker.Http;
using Sessions.Http;
using Sessions.Model;
using Sessions.Security;
using Sessions.Storage;

namespace Sessions.Endpoints;

/// <summary>GET the subscriptions of a participant in a session. Returns 200 with the subscriptions.</summary>
public sealed class GetParticipantSubscriptions(RequestPipeline pipeline, MembershipStore memberships)
{
    /// <summary>GET the subscriptions of a participant in a session. Returns 200 with the subscriptions.</summary>
    [Function(nameof(GetParticipantSubscriptions))]
    public Task<HttpResponseData> Run(
        [HttpTrigger(AuthorizationLevel.Anonymous, "get", "head", Route = Routes.Subscriptions)] HttpRequestData request,
        string accountId,
        string sessionId,
        string participantId)
        => pipeline.RunAsync(nameof(GetParticipantSubscriptions), request, accountId, Access.Read, async (account, cancellation) =>
        {
            if (!SessionId.TryParse(sessionId, out var session))
                return Reply.NoSession;
            if (!ParticipantId.TryParse(participantId, out var participant))
                return Reply.NoParticipant;

            return await memberships.GetSubscriptionsAsync(account, session, participant, cancellation) is { } subscriptions
                ? request.OkOrNotModified(subscriptions, WireFormat.Default.Subscriptions)
                : Reply.NotAMember;
        });
}
