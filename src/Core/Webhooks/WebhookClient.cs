using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using Sessions.Model;

namespace Sessions.Webhooks;

/// <summary>How a try ended.</summary>
internal enum TryOutcome
{
    /// <summary>The receiver has the event: it returned a status of 2xx.</summary>
    Delivered,

    /// <summary>The receiver returned 410: it wants nothing any more.</summary>
    Gone,

    /// <summary>Anything else; another try may succeed.</summary>
    Failed,
}

/// <summary>The end of a try.</summary>
/// <param name="Outcome">How it ended.</param>
/// <param name="Text">The status, or in a few words why there is none. Has nothing of the URL but its host.</param>
/// <param name="RetryAfter">How long the receiver wants no other message.</param>
internal sealed record WebhookTry(TryOutcome Outcome, string Text, TimeSpan? RetryAfter = null);

/// <summary>A message to a receiver.</summary>
/// <param name="Url">Where it is sent.</param>
/// <param name="Id">The <c>webhook-id</c>, the same in every try.</param>
/// <param name="Body">The JSON, the same in every try.</param>
/// <param name="Secrets">What it is signed with; none for no signature.</param>
internal sealed record OutgoingMessage(Uri Url, string Id, byte[] Body, IReadOnlyList<string> Secrets);

/// <summary>
/// Sends messages to receivers. A receiver is somebody else's: it may not lead a server to what only the server can reach, nor keep
/// it waiting. The name is resolved once for a connection, and the connection goes to an address that was checked, so that a name
/// that changes its address in between gains nothing. No redirect, no proxy, no cookie.
/// </summary>
public sealed class WebhookClient : IDisposable
{
    /// <summary>How long a try may take in all.</summary>
    public static readonly TimeSpan TryTimeout = TimeSpan.FromSeconds(15);

    private const int MostRead = 1024;
    private const int MostHeadersKilobytes = 16;

    private readonly WebhookOptions _options;
    private readonly TimeProvider _time;
    private readonly NameResolver _resolve;
    private readonly HttpClient _http;

    /// <summary>Makes a client with its own connections.</summary>
    /// <param name="options">Which receivers are allowed.</param>
    /// <param name="time">The time of the signatures and of the time-outs.</param>
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

            // So that a receiver that has moved is found at its new address.
            PooledConnectionLifetime = TimeSpan.FromMinutes(2),
        })
        {
            Timeout = Timeout.InfiniteTimeSpan,
        };
        _http.DefaultRequestHeaders.UserAgent.Add(new ProductInfoHeaderValue("Sessions-Webhooks", "1"));
    }

    /// <summary>Sends an event to a webhook once.</summary>
    /// <exception cref="OperationCanceledException">The caller ended it: the receiver may have got it or not.</exception>
    internal Task<WebhookTry> SendAsync(Webhook webhook, SessionsEvent told, CancellationToken cancellation)
        => SendAsync(new(webhook.Url, told.Id, WebhookBody.Of(told), [.. webhook.SecretsAt(_time.GetUtcNow())]), cancellation);

    /// <summary>Sends a message once.</summary>
    /// <exception cref="OperationCanceledException">The caller ended it: the receiver may have got it or not.</exception>
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

    /// <summary>Reads a short body to its end, so that the connection can be used again. The status decides, whatever becomes of the body.</summary>
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
        HttpRequestException { HttpRequestError: HttpRequestError.NameResolutionError } => "the name is not found",
        HttpRequestException { InnerException: SocketException { SocketErrorCode: SocketError.HostNotFound or SocketError.TryAgain or SocketError.NoData } }
            => "the name is not found",
        HttpRequestException { HttpRequestError: HttpRequestError.SecureConnectionError } => "the TLS handshake failed",
        HttpRequestException { InnerException: SocketException socket } => $"no connection ({socket.SocketErrorCode})",
        HttpRequestException { HttpRequestError: HttpRequestError.ConnectionError } => "no connection",
        _ => "the connection ended without a valid response",
    };

    private sealed class AddressRefusedException(string message) : Exception(message);
}
