using Microsoft.Azure.Functions.Worker;
using Microsoft.Azure.Functions.Worker.Http;
using Sessions.Http;
using Sessions.Model;
using Sessions.Storage;

namespace Sessions.Endpoints;

/// <summary>GET what a participant in a session receives: 200 with its subscriptions.</summary>
public sealed class GetParticipantSubscriptions(Api api, MembershipStore memberships)
{
    /// <summary>GET what a participant in a session receives: 200 with its subscriptions.</summary>
    [Function(nameof(GetParticipantSubscriptions))]
    public Task<HttpResponseData> Run(
        [HttpTrigger(AuthorizationLevel.Anonymous, "get", Route = Routes.Subscriptions)] HttpRequestData request,
        string accountId,
        string sessionId,
        string participantId)
        => api.RunAsync(nameof(GetParticipantSubscriptions), request, accountId, Access.Read, async cancellation =>
        {
            if (!Ids.TryParse(sessionId, out var session))
                return Reply.NoSession;
            if (!Ids.TryParse(participantId, out var participant))
                return Reply.NoParticipant;

            return await memberships.GetSubscriptionsAsync(accountId, session, participant, cancellation) is { } subscriptions
                ? request.Answer(subscriptions, WireFormat.Default.Subscriptions)
                : Reply.NotAMember;
        });
}
