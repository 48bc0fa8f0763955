using Microsoft.Azure.Functions.Worker;
using Microsoft.Azure.Functions.Worker.Http;
using Sessions.Http;
using Sessions.Model;
using Sessions.Storage;

namespace Sessions.Endpoints;

/// <summary>GET the health of the service, without authentication. Returns 200 if every table responds, otherwise 503.</summary>
public sealed class Health(RequestPipeline pipeline, TableCheck check)
{
    /// <summary>GET the health of the service.</summary>
    [Function(nameof(Health))]
    public Task<HttpResponseData> Run(
        [HttpTrigger(AuthorizationLevel.Anonymous, "get", "head", Route = Routes.Health)] HttpRequestData request)
        => pipeline.RunAsync(nameof(Health), request, async cancellation =>
        {
            await check.RunAsync(cancellation);
            return Reply.Ok(new("healthy"), WireFormat.Default.HealthStatus);
        });
}
