using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using Sessions.Model;

namespace Sessions.Webhooks;

/// <summary>The result of a try.</summary>
internal enum TryOutcome
{
    /// <summary>The receiver returned a status of 2xx.</summary>
    Delivered,

    /// <summary>The receiver returned 410, so nothing more may be sent to it.</summary>
    Gone,

    /// <summary>The try failed in another way, and a retry may succeed.</summary>
    Failed,
}

/// <summary>The outcome of a try, with details.</summary>
/// <param name="Outcome">The outcome.</param>
/// <param name="Text">The status, or a short reason if there is none. It contains no part of the URL except the host.</param>
/// <param name="RetryAfter">The pause that the receiver requested.</param>
internal sealed record WebhookTry(TryOutcome Outcome, string Text, TimeSpan? RetryAfter = null);

/// <summary>A message to a receiver.</summary>
/// <param name="Url">The receiver's URL.</param>
/// <param name="Id">The <c>webhook-id</c>, the same in every try.</param>
/// <param name="Body">The JSON, the same in every try.</param>
/// <param name="Secrets">The secrets that sign the message. An empty list means no signature.</param>
internal sealed record OutgoingMessage(Uri Url, string Id, byte[] Body, IReadOnlyList<string> Secrets);

/// <summary>
/// Sends messages to receivers. Receivers are not trusted: a URL must not lead the server to addresses that only the server can reach, and
/// a slow receiver must not keep it waiting. The client resolves the name once for each connection and connects to an address that it has
/// checked, so a name that changes its address after the check has no effect. It follows no redirects and uses no proxy and no cookies.
/// </summary>
public sealed class WebhookClient : IDisposable
{
    /// <summary>The longest duration of a try.</summary>
    public static readonly TimeSpan TryTimeout = TimeSpan.FromSeconds(15);

    private const int MostRead = 1024;
    private const int MostHeadersKilobytes = 16;

    private readonly WebhookOptions _options;
    private readonly TimeProvider _time;
    private readonly NameResolver _resolve;
    private readonly HttpClient _http;

    /// <summary>Creates a client with its own connections.</summary>
    /// <param name="options">The rules for receivers.</param>
    /// <param name="time">The clock for signatures and timeouts.</param>
    /// <param name="resolve">Finds the addresses of a name.</param>
    public WebhookClient(WebhookOptions options, TimeProvider time, NameResolver resolve)
    {
        (_options, _time, _resolve) = (options, time, resolve);
        _http = new(new SocketsHttpHandler
        {
            ConnectCallback = ConnectAsync,
            AllowAutoRedirect = false,
            UseProxy = false,
            UseCookies = false,
            ActivityHeadersPropagator = null,
            MaxResponseHeadersLength = MostHeadersKilobytes,
            MaxResponseDrainSize = 0,
            PooledConnectionIdleTimeout = TimeSpan.FromMinutes(1),

            // Reconnecting finds a receiver that has moved to another address.
            PooledConnectionLifetime = TimeSpan.FromMinutes(2),
        })
        {
            Timeout = Timeout.InfiniteTimeSpan,
        };
        _http.DefaultRequestHeaders.UserAgent.Add(new ProductInfoHeaderValue("Sessions-Webhooks", "1"));
    }

    /// <summary>Sends an event to a webhook once.</summary>
    /// <exception cref="OperationCanceledException">
    /// The caller canceled the try. It is unknown whether the receiver got the event.
    /// </exception>
    internal Task<WebhookTry> SendAsync(Webhook webhook, SessionsEvent told, CancellationToken cancellation)
        => SendAsync(new(webhook.Url, told.Id, WebhookBody.Of(told), [.. webhook.SecretsAt(_time.GetUtcNow())]), cancellation);

    /// <summary>Sends a message once.</summary>
    /// <exception cref="OperationCanceledException">
    /// The caller canceled the try. It is unknown whether the receiver got the event.
    /// </exception>
    internal async Task<WebhookTry> SendAsync(OutgoingMessage message, CancellationToken cancellation)
    {
        if (WebhookUrl.FindMistake(message.Url.OriginalString, _options) is { } mistake)
            return new(TryOutcome.Failed, $"the URL is not allowed: {mistake}");

        using var timeout = new CancellationTokenSource(TryTimeout, _time);
        using var end = CancellationTokenSource.CreateLinkedTokenSource(cancellation, timeout.Token);
        using var request = MakeRequest(message);
        try
        {
            using var response = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, end.Token);
            await ReadAsync(response, end.Token);
            return ResultOf(response);
        }
        catch (Exception exception) when (exception is HttpRequestException or IOException or OperationCanceledException)
        {
            cancellation.ThrowIfCancellationRequested();
            return new(TryOutcome.Failed, Explain(exception));
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _http.Dispose();

    private HttpRequestMessage MakeRequest(OutgoingMessage message)
    {
        var timestamp = _time.GetUtcNow().ToUnixTimeSeconds();
        var request = new HttpRequestMessage(HttpMethod.Post, message.Url)
        {
            Content = new ByteArrayContent(message.Body) { Headers = { ContentType = new("application/json") } },
            Headers =
            {
                { "webhook-id", message.Id },
                { "webhook-timestamp", timestamp.ToString(CultureInfo.InvariantCulture) },
            },
        };
        if (message.Secrets.Count > 0)
            request.Headers.Add("webhook-signature", WebhookSecret.Sign(message.Secrets, message.Id, timestamp, message.Body));
        return request;
    }

    private async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken cancellation)
    {
        var host = context.DnsEndPoint.Host;
        IPAddress[] addresses = IPAddress.TryParse(host, out var address) ? [address] : await _resolve(host, cancellation);
        var allowed = addresses.Where(_options.Allows).ToArray();
        if (allowed.Length == 0)
            throw new AddressRefusedException($"{host} has no address that webhooks may be sent to");

        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(allowed, context.DnsEndPoint.Port, cancellation);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>Reads a short body to its end, so that the connection can be reused. The result depends only on the status.</summary>
    private static async Task ReadAsync(HttpResponseMessage response, CancellationToken cancellation)
    {
        try
        {
            await using var body = await response.Content.ReadAsStreamAsync(cancellation);
            var buffer = new byte[MostRead];
            _ = await body.ReadAtLeastAsync(buffer, MostRead, throwOnEndOfStream: false, cancellation);
        }
        catch (Exception exception) when (exception is HttpRequestException or IOException or OperationCanceledException)
        {
            // The connection is closed with the response.
        }
    }

    private WebhookTry ResultOf(HttpResponseMessage response)
    {
        var status = (int)response.StatusCode;
        var text = status.ToString(CultureInfo.InvariantCulture);
        return status switch
        {
            >= 200 and < 300 => new(TryOutcome.Delivered, text),
            410 => new(TryOutcome.Gone, text),
            429 or 503 => new(TryOutcome.Failed, text, RetryAfter(response.Headers.RetryAfter)),
            >= 300 and < 400 => new(TryOutcome.Failed, $"{text}, and redirects are not followed"),
            _ => new(TryOutcome.Failed, text),
        };
    }

    // RFC 9110, section 10.2.3: seconds, or a date.
    private TimeSpan? RetryAfter(RetryConditionHeaderValue? header)
        => (header?.Delta ?? header?.Date - _time.GetUtcNow()) is { } wait && wait > TimeSpan.Zero ? wait : null;

    private static string Explain(Exception exception) => exception switch
    {
        OperationCanceledException => $"no response within {TryTimeout.TotalSeconds} s",
        { InnerException: AddressRefusedException refused } => refused.Message,
        HttpRequestException { HttpRequestError: HttpRequestError.NameResolutionError } => "the host name was not found",
        HttpRequestException { InnerException: SocketException { SocketErrorCode: SocketError.HostNotFound or SocketError.TryAgain or SocketError.NoData } }
            => "the host name was not found",
        HttpRequestException { HttpRequestError: HttpRequestError.SecureConnectionError } => "the TLS handshake failed",
        HttpRequestException { InnerException: SocketException socket } => $"no connection ({socket.SocketErrorCode})",
        HttpRequestException { HttpRequestError: HttpRequestError.ConnectionError } => "no connection",
        _ => "the connection ended without a valid response",
    };

    private sealed class AddressRefusedException(string message) : Exception(message);
}
