using Microsoft.Azure.Functions.Worker;
using Microsoft.Azure.Functions.Worker.Http;
using Sessions.Http;
using Sessions.Model;
using Sessions.Storage;

namespace Sessions.Endpoints;

/// <summary>GET whether the service works: 200 when every table answers, otherwise 503. Without authentication.</summary>
public sealed class Health(RequestPipeline pipeline, TableCheck check)
{
    /// <summary>GET whether the service works.</summary>
    [Function(nameof(Health))]
    public Task<HttpResponseData> Run(
        [HttpTrigger(AuthorizationLevel.Anonymous, "get", "head", Route = Routes.Health)] HttpRequestData request)
        => pipeline.RunAsync(nameof(Health), request, async cancellation =>
        {
            await check.RunAsync(cancellation);
            return Reply.Ok(new("healthy"), WireFormat.Default.HealthStatus);
        });
}
