using System.Net;
using System.Net.WebSockets;
using Azure;
using Sessions.Security;
using Sessions.Storage;

namespace Sessions.Gateway;

/// <summary>
/// The WebSocket endpoint for devices, <c>/v3?token=…&amp;uniqueId=…</c>. To turn a device away permanently, the server accepts its
/// WebSocket and closes it with 1000, because SDKs retry every second after any other result. A device that connects too often gets 429,
/// and during a storage failure its WebSocket is closed with 1013, so that the device retries.
/// </summary>
internal sealed partial class DeviceEndpoint(
    SessionWatch watch,
    ParticipantTokens tokens,
    SessionsOptions sessions,
    GatewayOptions options,
    IHostApplicationLifetime lifetime,
    TimeProvider time,
    ILogger<DeviceEndpoint> logger)
{
    private const string Version3 = "V3";

    private static readonly TimeSpan AdmissionTimeout = TimeSpan.FromSeconds(10);

    // A device that disappears without closing its connection is detected within 30 seconds.
    private static readonly TimeSpan KeepAlive = TimeSpan.FromSeconds(15);

    private readonly RateLimit _handshakes = new(time, options.Limits.HandshakesPerSecond);
    private readonly RateLimit _failedTokens = new(time, options.Limits.FailedTokensPerSecond);

    /// <summary>The version of the device protocol for a path, or null for any other path.</summary>
    public static string? VersionOf(HttpContext http) => http.Request.Path.Value switch
    {
        // With and without the slash, because the iOS client uses the whole URL that its app provides.
        "/v3" or "/v3/" => Version3,
        "/v2" or "/v2/" => "V2",
        _ => null,
    };

    /// <summary>Serves a device until its connection ends.</summary>
    public async Task InvokeAsync(HttpContext http)
    {
        if (!http.WebSockets.IsWebSocketRequest)
        {
            http.Response.StatusCode = (int)HttpStatusCode.UpgradeRequired;
            http.Response.Headers.Upgrade = "websocket";
            return;
        }

        var caller = CallerOf(http);
        if (!_handshakes.TryCount(caller) || _failedTokens.IsReached(caller))
        {
            http.Response.StatusCode = (int)HttpStatusCode.TooManyRequests;
            http.Response.Headers.RetryAfter = "1";
            return;
        }

        using var socket = await http.WebSockets.AcceptWebSocketAsync(
            new WebSocketAcceptContext { KeepAliveInterval = KeepAlive, KeepAliveTimeout = KeepAlive });
        await ServeAsync(http, new(socket, options.Limits, time, logger), caller);
    }

    private async Task ServeAsync(HttpContext http, JsonRpcConnection connection, Caller caller)
    {
        // The web server stops only after its connections have ended.
        using var stopping = lifetime.ApplicationStopping.Register(
            () => connection.Close(JsonRpcConnection.ServiceRestart, "The gateway is restarting."));
        var device = await AdmitAsync(http, connection, caller);
        if (device?.Attach(connection) == false)
            connection.Close(JsonRpcConnection.TryAgainLater, "The device has just been closed.");
        try
        {
            await connection.RunAsync(request => device!.Handle(request));
        }
        finally
        {
            device?.Detach(connection);
        }
    }

    /// <summary>Admits a device. Null if its connection has been closed instead.</summary>
    private async Task<Device?> AdmitAsync(HttpContext http, JsonRpcConnection connection, Caller caller)
    {
        using var deadline = new CancellationTokenSource(AdmissionTimeout, time);
        using var end = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, http.RequestAborted);
        try
        {
            var uniqueId = (string?)http.Request.Query["uniqueId"] is { Length: > 0 } given ? given : Guid.NewGuid().ToString();
            var (device, refusal) =
                VersionOf(http) != Version3 ? new(null, "Only version 3 of the device protocol is supported.")
                : uniqueId.Length > options.Limits.UniqueIdLength ? new(null, "The uniqueId is too long.")
                : await AdmitAsync(http.Request.Query["token"].ToString(), uniqueId, caller, end.Token);
            if (refusal is not null)
            {
                LogRefused(refusal);
                connection.Close(WebSocketCloseStatus.NormalClosure, refusal);
            }

            return device;
        }
        catch (Exception exception) when (StorageFaults.IsTransient(exception) || exception is RequestFailedException)
        {
            LogUnavailable(exception);
            connection.Close(JsonRpcConnection.TryAgainLater, "The gateway is busy. Try again.");
            return null;
        }
    }

    private async Task<Admission> AdmitAsync(string text, string uniqueId, Caller caller, CancellationToken cancellation)
    {
        var admission = !tokens.TryRead(text, out var token) ? new(null, "The token is not valid.")
            : !token.DeviceApiVersion.Equals(Version3, StringComparison.OrdinalIgnoreCase)
                ? new(null, "The token is for another version of the device protocol.")
            : await watch.AdmitAsync(token, uniqueId, cancellation);
        if (admission.Refusal is not null)
            _failedTokens.TryCount(caller);
        return admission;
    }

    /// <summary>
    /// The caller's address, determined as in the API. It is the entry that the outermost trusted proxy added, and this server counts as
    /// the innermost proxy.
    /// </summary>
    private Caller CallerOf(HttpContext http)
    {
        var forwarded = http.Request.Headers["X-Forwarded-For"].ToString();
        var connected = $"{http.Connection.RemoteIpAddress}";
        return Caller.Behind(sessions.TrustedProxies, forwarded.Length == 0 ? connected : $"{forwarded},{connected}");
    }

    [LoggerMessage(26, LogLevel.Information, "A device was rejected: {Reason}")]
    private partial void LogRefused(string reason);

    [LoggerMessage(27, LogLevel.Warning, "A device could not be admitted, because storage did not respond in time.")]
    private partial void LogUnavailable(Exception exception);
}
