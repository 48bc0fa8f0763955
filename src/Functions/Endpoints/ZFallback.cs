using System.Net;
using Microsoft.Azure.Functions.Worker;
using Microsoft.Azure.Functions.Worker.Http;
using Sessions.Http;

namespace Sessions.Endpoints;

/// <summary>
/// Handles all requests that no other function handles. Returns the links of the root, 405 for a known path with another method, and
/// otherwise 404. The host tries routes in the order of the functions' names, so this name must sort last.
/// </summary>
public sealed class ZFallback(RequestPipeline pipeline)
{
    private static ReadOnlyMemory<byte> Root { get; } =
        """{"service":"Sessions","links":{"api":"/v1","health":"/health","openapi":"/openapi.json"}}"""u8.ToArray();

    /// <summary>Handles a request that no other function handles.</summary>
    [Function(nameof(ZFallback))]
    public Task<HttpResponseData> Run(
        [HttpTrigger(AuthorizationLevel.Anonymous, Route = "{*path}")] HttpRequestData request)
        => pipeline.RunAsync(nameof(ZFallback), request, _ => Task.FromResult(Answer(request)));

    private static Reply Answer(HttpRequestData request)
    {
        var path = request.Url.AbsolutePath[1..];
        if (path is Routes.Root && request.Method is "GET" or "HEAD")
            return new(HttpStatusCode.OK, Root);

        var segments = (path.EndsWith('/') ? path[..^1] : path).Split('/');
        return Routes.Allowed.FirstOrDefault(known => Matches(known.Route.Split('/'), segments)).Methods is { } allow
            ? new(HttpStatusCode.MethodNotAllowed, Error: $"This path supports only {allow}.", Header: ("Allow", allow))
            : Reply.NotFound("This path does not exist.");
    }

    private static bool Matches(string[] known, string[] segments)
        => known.Length == segments.Length && known.Zip(segments).All(pair => pair.First.StartsWith('{')
            ? pair.Second.Length > 0
            : pair.First.Equals(pair.Second, StringComparison.OrdinalIgnoreCase));
}
