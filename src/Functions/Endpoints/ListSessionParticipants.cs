using Microsoft.Azure.Functions.Worker;
using Microsoft.Azure.Functions.Worker.Http;
using Sessions.Http;
using Sessions.Model;
using Sessions.Security;
using Sessions.Storage;

namespace Sessions.Endpoints;

/// <summary>GET the participants in a session. Returns 200 with an array, in the order of joining.</summary>
public sealed class ListSessionParticipants(RequestPipeline pipeline, SessionStore sessions)
{
    /// <summary>GET the participants in a session. Returns 200 with an array, in the order of joining.</summary>
    [Function(nameof(ListSessionParticipants))]
    public Task<HttpResponseData> Run(
        [HttpTrigger(AuthorizationLevel.Anonymous, "get", "head", Route = Routes.SessionParticipants)] HttpRequestData request,
        string accountId,
        string sessionId)
        => pipeline.RunAsync(nameof(ListSessionParticipants), request, accountId, Access.Read, async (account, cancellation) =>
        {
            if (!SessionId.TryParse(sessionId, out var id))
                return Reply.NoSession;

            return await sessions.ListParticipantsAsync(account, id, cancellation) is { } participants
                ? Reply.Ok(participants, WireFormat.Default.IReadOnlyListParticipant)
                : Reply.NoSession;
        });
}
