using System.Net;

namespace Sessions.Tests.Contract;

/// <summary>A request and its response.</summary>
/// <param name="Method">The method of the request.</param>
/// <param name="Url">The URL of the request.</param>
/// <param name="RequestHeaders">The headers of the request.</param>
/// <param name="RequestBody">The body of the request, empty if the request was rejected.</param>
/// <param name="Status">The status of the response.</param>
/// <param name="Headers">The headers of the response.</param>
/// <param name="Body">The body of the response.</param>
internal sealed record Exchange(
    string Method,
    Uri Url,
    IReadOnlyDictionary<string, string> RequestHeaders,
    string RequestBody,
    HttpStatusCode Status,
    IReadOnlyDictionary<string, string> Headers,
    string Body)
{
    public bool IsSuccess => (int)Status is >= 200 and < 300;

    public static async Task<Exchange> ReadAsync(HttpRequestMessage request, HttpResponseMessage response, CancellationToken cancellation)
        => new(
            request.Method.Method.ToUpperInvariant(),
            request.RequestUri!,
            HeadersOf([.. request.Headers]),
            response.IsSuccessStatusCode && request.Content is not null ? await request.Content.ReadAsStringAsync(cancellation) : "",
            response.StatusCode,
            HeadersOf([.. response.Headers, .. response.Content.Headers]),
            await response.Content.ReadAsStringAsync(cancellation));

    private static Dictionary<string, string> HeadersOf(IEnumerable<KeyValuePair<string, IEnumerable<string>>> headers)
        => headers.ToDictionary(header => header.Key, header => string.Join(", ", header.Value), StringComparer.OrdinalIgnoreCase);

    public override string ToString() => $"{Method} {Url.PathAndQuery} {RequestBody} -> {(int)Status} {Body}";
}
