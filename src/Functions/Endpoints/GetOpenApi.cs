using System.Net;
using Microsoft.Azure.Functions.Worker;
using Microsoft.Azure.Functions.Worker.Http;
using Sessions.Http;

namespace Sessions.Endpoints;

/// <summary>GET the OpenAPI document of the API, without authentication. Returns 200.</summary>
public sealed class GetOpenApi(RequestPipeline pipeline)
{
    private static readonly ReadOnlyMemory<byte> Document = Read();

    /// <summary>GET the OpenAPI document.</summary>
    [Function(nameof(GetOpenApi))]
    public Task<HttpResponseData> Run(
        [HttpTrigger(AuthorizationLevel.Anonymous, "get", "head", Route = Routes.OpenApi)] HttpRequestData request)
        => pipeline.RunAsync(nameof(GetOpenApi), request, _ => Task.FromResult(new Reply(HttpStatusCode.OK, Document)));

    private static byte[] Read()
    {
        using var resource = typeof(GetOpenApi).Assembly.GetManifestResourceStream("openapi.json")!;
        var bytes = new byte[resource.Length];
        resource.ReadExactly(bytes);
        return bytes;
    }
}
