using Microsoft.Azure.Functions.Worker;
using Microsoft.Azure.Functions.Worker.Http;
using Sessions.Http;
using Sessions.Model;
using Sessions.Security;
using Sessions.Storage;

namespace Sessions.Endpoints;

/// <summary>GET the participants of an account, in pages. Returns 200 with an array, the oldest first.</summary>
public sealed class ListParticipants(RequestPipeline pipeline, ParticipantStore participants)
{
    /// <summary>GET the participants of an account, in pages. Returns 200 with an array, the oldest first.</summary>
    [Function(nameof(ListParticipants))]
    public Task<HttpResponseData> Run(
        [HttpTrigger(AuthorizationLevel.Anonymous, "get", "head", Route = Routes.Participants)] HttpRequestData request,
        string accountId)
        => pipeline.RunAsync(nameof(ListParticipants), request, accountId, Access.Read, async (account, cancellation) =>
        {
            var query = request.ListQuery();
            if (query.Refusal is { } refusal)
                return refusal;

            var page = await participants.ListAsync(account, query.Value!, cancellation);
            return Reply.Ok(page.Items, WireFormat.Default.IReadOnlyListListedParticipant) with { Header = request.NextLink(page.Next) };
        });
}
