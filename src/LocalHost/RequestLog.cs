using System.Diagnostics;

namespace Sessions.LocalHost;

/// <summary>One line for each request: no header, no body and no query string.</summary>
internal static partial class RequestLog
{
    /// <summary>Answers the request, and logs it.</summary>
    public static async Task InvokeAsync(HttpContext http, RequestDelegate next)
    {
        var started = Stopwatch.GetTimestamp();
        try
        {
            await next(http);
        }
        finally
        {
            var logger = http.RequestServices.GetRequiredService<ILoggerFactory>().CreateLogger("Sessions.LocalHost.Request");
            Log(
                logger,
                http.Request.Method,
                http.Request.Path.ToUriComponent(), // Escaped: no caller can begin a line of its own.
                http.Response.StatusCode,
                (long)Stopwatch.GetElapsedTime(started).TotalMilliseconds,
                http.Response.Headers["x-request-id"].ToString());
        }
    }

    [LoggerMessage(1, LogLevel.Information, "{Method} {Path} {Status} {Milliseconds} ms, request {RequestId}")]
    private static partial void Log(ILogger logger, string method, string path, int status, long milliseconds, string requestId);
}
