using Microsoft.Azure.Functions.Worker;
using Microsoft.Azure.Functions.Worker.Http;
using Sessions.Http;
using Sessions.Model;
using Sessions.Security;
using Sessions.Storage;

namespace Sessions.Endpoints;

/// <summary>GET what a participant in a session receives: 200 with its subscriptions.</summary>
public sealed class GetParticipantSubscriptions(RequestPipeline pipeline, MembershipStore memberships)
{
    /// <summary>GET what a participant in a session receives: 200 with its subscriptions.</summary>
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
