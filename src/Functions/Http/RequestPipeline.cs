using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Text.Json;
using Microsoft.Azure.Functions.Worker.Http;
using Microsoft.Extensions.Logging;
using Sessions.Model;
using Sessions.Security;
using Sessions.Storage;

namespace Sessions.Http;

/// <summary>
/// The pipeline of every operation: authentication, a timeout, and one place that turns a result or a failure into a response.
/// </summary>
public sealed partial class RequestPipeline(
    Authenticator authenticator, SigningKey signingKey, SessionsOptions options, TimeProvider time, ILogger<RequestPipeline> logger)
{
    private static Reply Unauthorized => new(
        HttpStatusCode.Unauthorized,
        Error: "The credentials are not valid for this account.",
        Header: ("WWW-Authenticate", "Basic realm=\"Sessions\", charset=\"UTF-8\""));

    private static Reply Forbidden => new(HttpStatusCode.Forbidden, Error: "The credentials are read-only.");

    private static Reply Unavailable => new(
        HttpStatusCode.ServiceUnavailable, Error: "The service is busy. Try again.", Header: ("Retry-After", "1"));

    private static Reply WithoutKey => Unavailable with { Error = "The token signing key cannot be read from the vault yet. Try again." };

    private static Reply Failed => new(HttpStatusCode.InternalServerError, Error: "The request failed.");

    /// <summary>
    /// Runs an operation on an account, for callers with the access that it <paramref name="needs"/>. Telemetry records it under
    /// <paramref name="name"/>, which is the function's name.
    /// </summary>
    public Task<HttpResponseData> RunAsync(
        string name, HttpRequestData request, string accountId, Access needs, Func<AccountId, CancellationToken, Task<Reply>> operation)
        => RunAsync(name, request, async cancellation =>
        {
            if (!AccountId.TryParse(accountId, out var account))
                return Unauthorized;

            return await AuthorizeAsync(request, account, needs, cancellation) ?? await operation(account, cancellation);
        });

    /// <summary>Runs an operation without authentication.</summary>
    public async Task<HttpResponseData> RunAsync(string name, HttpRequestData request, Func<CancellationToken, Task<Reply>> operation)
    {
        var started = time.GetTimestamp();
        var caller = TraceOf(request);
        using var activity = Telemetry.Source.StartActivity(name, ActivityKind.Internal, caller);
        var requestId = RequestIdOf(activity?.Context ?? caller);
        var reply = await TryAsync(operation, requestId, request.FunctionContext.CancellationToken);

        var response = request.CreateResponse();
        response.StatusCode = reply.Status;
        response.Headers.TryAddWithoutValidation("x-request-id", requestId);
        if (reply.Header is { } header)
            response.Headers.TryAddWithoutValidation(header.Name, header.Value);
        foreach (var (headerName, value) in reply.MoreHeaders)
            response.Headers.TryAddWithoutValidation(headerName, value);

        if ((int)reply.Status is >= 400 and < 500 && reply.Status is not (HttpStatusCode.Unauthorized or HttpStatusCode.NotFound))
            LogRejected(requestId, name, (int)reply.Status, reply.Error);

        var json = reply.Error is null
            ? reply.Json
            : JsonSerializer.SerializeToUtf8Bytes(
                new ApiError(reply.Error, reply.Error, (int)reply.Status, requestId), WireFormat.Default.ApiError);
        if (!json.IsEmpty)
        {
            response.Headers.TryAddWithoutValidation("Content-Type", "application/json");
            await response.Body.WriteAsync(json);
        }

        Measure(name, (int)reply.Status, time.GetElapsedTime(started), activity);
        return response;
    }

    private async Task<Reply> TryAsync(Func<CancellationToken, Task<Reply>> operation, string requestId, CancellationToken caller)
    {
        using var end = new CancellationTokenSource(options.RequestTimeout, time);
        using var callerGone = caller.UnsafeRegister(static end => ((CancellationTokenSource)end!).Cancel(), end);
        try
        {
            return await signingKey.IsThereAsync(end.Token) ? await operation(end.Token) : WithoutKey;
        }
        catch (Exception exception) when (caller.IsCancellationRequested && StorageFaults.IsTransient(exception))
        {
            LogCallerGone(requestId);
            return Unavailable;
        }
        catch (Exception exception)
        {
            Log(requestId, exception);
            return exception is StorageUnavailableException { IsExplained: true } ? Unavailable with { Error = exception.Message }
                : StorageFaults.IsTransient(exception) ? Unavailable
                : Failed;
        }
    }

    private void Log(string requestId, Exception exception)
    {
        switch (StorageFaults.CauseOf(exception))
        {
            case StorageCause.Refused:
                LogRefused(requestId, exception);
                break;
            case StorageCause.Missing:
                LogMissing(requestId, exception);
                break;
            case StorageCause.Busy:
                LogBusy(requestId, exception);
                break;
            default:
                if (StorageFaults.IsTransient(exception))
                    LogUnavailable(requestId, exception);
                else
                    LogFailed(requestId, exception);
                break;
        }
    }

    /// <summary>
    /// Returns the refusal of a caller who does not have the <paramref name="needed"/> access to the account, or null for a caller who has.
    /// </summary>
    private async ValueTask<Reply?> AuthorizeAsync(
        HttpRequestData request, AccountId accountId, Access needed, CancellationToken cancellation)
    {
        if (!request.Headers.TryGetValues("Authorization", out var values))
            return Unauthorized;

        return await authenticator.AuthenticateAsync(accountId, string.Join(',', values), () => CallerOf(request), cancellation) switch
        {
            { Wait: { } wait } => TooManyFailures(wait),
            { Access: null } => Unauthorized,
            { Access: Access.Read } when needed == Access.Write => Forbidden,
            _ => null,
        };
    }

    private Caller CallerOf(HttpRequestData request)
        => request.Headers.TryGetValues("X-Forwarded-For", out var values)
            ? Caller.Behind(options.TrustedProxies, string.Join(',', values))
            : default;

    private static Reply TooManyFailures(TimeSpan wait) => new(
        HttpStatusCode.TooManyRequests,
        Error: "Too many attempts to authenticate failed. Try again later.",
        Header: ("Retry-After", Math.Ceiling(wait.TotalSeconds).ToString(CultureInfo.InvariantCulture)));

    /// <summary>
    /// Returns the caller's trace. It is in the host's trace context, or in the caller's headers if that context is empty, as it is without
    /// Application Insights.
    /// </summary>
    private static ActivityContext TraceOf(HttpRequestData request)
    {
        var trace = request.FunctionContext.TraceContext;
        if (!ActivityContext.TryParse(trace.TraceParent, trace.TraceState, isRemote: true, out var context))
            _ = ActivityContext.TryParse(Header("traceparent"), Header("tracestate"), isRemote: true, out context);
        return context;

        string? Header(string name) => request.Headers.TryGetValues(name, out var values) ? string.Join(',', values) : null;
    }

    /// <summary>Returns the W3C trace id (https://www.w3.org/TR/trace-context/), or a new one if there is none.</summary>
    private static string RequestIdOf(ActivityContext trace)
        => (trace.TraceId == default ? ActivityTraceId.CreateRandom() : trace.TraceId).ToHexString();

    private static void Measure(string name, int status, TimeSpan duration, Activity? activity)
    {
        var operation = new KeyValuePair<string, object?>("operation", name);
        if (Telemetry.RequestDuration.Enabled)
            Telemetry.RequestDuration.Record(duration.TotalSeconds, operation, new("status", status));
        if (status == (int)HttpStatusCode.Unauthorized)
            Telemetry.AuthenticationFailures.Add(1, operation);
        else if (status == (int)HttpStatusCode.TooManyRequests)
            Telemetry.RequestsRateLimited.Add(1, operation);

        activity?.SetTag("http.response.status_code", status)
            .SetStatus(status >= 500 ? ActivityStatusCode.Error : ActivityStatusCode.Unset);
    }

    [LoggerMessage(1, LogLevel.Warning, "Request {RequestId}: storage did not respond in time.")]
    private partial void LogUnavailable(string requestId, Exception exception);

    [LoggerMessage(2, LogLevel.Error, "Request {RequestId} failed.")]
    private partial void LogFailed(string requestId, Exception exception);

    [LoggerMessage(3, LogLevel.Debug, "Request {RequestId}: the caller disconnected.")]
    private partial void LogCallerGone(string requestId);

    [LoggerMessage(4, LogLevel.Information, "Request {RequestId} to {Operation} was refused with {Status}: {Reason}")]
    private partial void LogRejected(string requestId, string operation, int status, string? reason);

    [LoggerMessage(5, LogLevel.Error, "Request {RequestId}: storage refuses the key, the identity or the network of the app.")]
    private partial void LogRefused(string requestId, Exception exception);

    [LoggerMessage(6, LogLevel.Error, "Request {RequestId}: a table or a queue is missing.")]
    private partial void LogMissing(string requestId, Exception exception);

    [LoggerMessage(7, LogLevel.Warning, "Request {RequestId}: storage is busy.")]
    private partial void LogBusy(string requestId, Exception exception);
}
