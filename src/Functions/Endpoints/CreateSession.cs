using Microsoft.Azure.Functions.Worker;
using Microsoft.Azure.Functions.Worker.Http;
using Sessions.Http;
using Sessions.Model;
using Sessions.Security;
using Sessions.Storage;

namespace Sessions.Endpoints;

/// <summary>POST a session. Returns 200 with the new session.</summary>
public sealed class CreateSession(RequestPipeline pipeline, SessionStore sessions)
{
    /// <summary>POST a session. Returns 200 with the new session.</summary>
    [Function(nameof(CreateSession))]
    public Task<HttpResponseData> Run(
        [HttpTrigger(AuthorizationLevel.Anonymous, "post", Route = Routes.Sessions)] HttpRequestData request,
        string accountId)
        => pipeline.RunAsync(nameof(CreateSession), request, accountId, Access.Write, async (account, cancellation) =>
        {
            var body = await request.ReadJsonAsync(NewSession.Read, cancellation);
            if (body.Refusal is { } refusal)
                return refusal;

            var key = request.IdempotencyKey();
            if (key.Refusal is { } keyRefusal)
                return keyRefusal;

            var (outcome, session) = await sessions.CreateAsync(account, body.Value ?? NewSession.Default, key.Value, cancellation);
            return session is null ? Reply.From(outcome) : Reply.Ok(session, WireFormat.Default.Session);
        });
}
