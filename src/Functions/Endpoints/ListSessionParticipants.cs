using Microsoft.Azure.Functions.Worker;
using Microsoft.Azure.Functions.Worker.Http;
using Sessions.Http;
using Sessions.Model;
using Sessions.Storage;

namespace Sessions.Endpoints;

/// <summary>GET the participants in a session: 200 with an array, in the order in which they joined.</summary>
public sealed class ListSessionParticipants(Api api, SessionStore sessions)
{
    /// <summary>GET the participants in a session: 200 with an array, in the order in which they joined.</summary>
    [Function(nameof(ListSessionParticipants))]
    public Task<HttpResponseData> Run(
        [HttpTrigger(AuthorizationLevel.Anonymous, "get", Route = Routes.SessionParticipants)] HttpRequestData request,
        string accountId,
        string sessionId)
        => api.RunAsync(nameof(ListSessionParticipants), request, accountId, Access.Read, async cancellation =>
        {
            if (!Ids.TryParse(sessionId, out var id))
                return Reply.NoSession;

            return await sessions.ListParticipantsAsync(accountId, id, cancellation) is { } participants
                ? Reply.Ok(participants, WireFormat.Default.IReadOnlyListParticipant)
                : Reply.NoSession;
        });
}
