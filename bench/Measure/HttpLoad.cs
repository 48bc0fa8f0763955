using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Text;

namespace Sessions.Bench;

/// <summary>Sends HTTP requests with little overhead and records them. A response with an unexpected status causes an exception.</summary>
public sealed class HttpLoad : IDisposable
{
    private static readonly MediaTypeHeaderValue Json = new("application/json");

    // HttpClient's layers are left out, because this process shares the machine with the measured program.
    private readonly HttpMessageInvoker _client = new(new SocketsHttpHandler
    {
        ActivityHeadersPropagator = null,
        AllowAutoRedirect = false,
        PooledConnectionIdleTimeout = TimeSpan.FromMinutes(10),
        UseCookies = false,
        UseProxy = false,
    });

    /// <summary>LocalHost's default credential, as a header.</summary>
    public static AuthenticationHeaderValue LocalCredential { get; } = new("Basic", Convert.ToBase64String("local:local"u8));

    /// <summary>The client itself, for calls that are not recorded.</summary>
    public HttpMessageInvoker Client => _client;

    /// <summary>Sends a request and reads its whole response.</summary>
    /// <returns>The body of the response.</returns>
    /// <exception cref="BenchmarkException">The response has another status.</exception>
    public async Task<byte[]> SendAsync(
        CallRecorder? recorder,
        HttpMethod method,
        Uri uri,
        HttpStatusCode expected,
        byte[]? body = null,
        CancellationToken cancellation = default)
    {
        var started = Stopwatch.GetTimestamp();
        using var request = new HttpRequestMessage(method, uri);
        request.Headers.Authorization = LocalCredential;
        if (body is not null)
            request.Content = new ByteArrayContent(body) { Headers = { ContentType = Json } };

        using var response = await _client.SendAsync(request, cancellation);
        var answer = await response.Content.ReadAsByteArrayAsync(cancellation);
        recorder?.Record(started);
        return response.StatusCode == expected
            ? answer
            : throw new BenchmarkException(string.Create(
                CultureInfo.InvariantCulture,
                $"{method} {uri} was answered {(int)response.StatusCode}, not {(int)expected}: {Encoding.UTF8.GetString(answer)}"));
    }

    /// <summary>Closes the connections.</summary>
    public void Dispose() => _client.Dispose();
}
