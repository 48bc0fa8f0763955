using System.Diagnostics;

namespace Sessions.LocalHost;

/// <summary>Logs one line for each request, without headers, body and query string.</summary>
internal sealed partial class RequestLog(ILogger logger)
{
    /// <summary>The category of the lines.</summary>
    public const string Category = "Sessions.LocalHost.Request";

    /// <summary>Runs the request, and logs it.</summary>
    public async Task InvokeAsync(HttpContext http, RequestDelegate next)
    {
        var started = Stopwatch.GetTimestamp();
        try
        {
            await next(http);
        }
        finally
        {
            if (logger.IsEnabled(LogLevel.Information))
            {
                Log(
                    http.Request.Method,
                    http.Request.Path.ToUriComponent(), // Escaped, so that a caller cannot insert lines into the log.
                    http.Response.StatusCode,
                    (long)Stopwatch.GetElapsedTime(started).TotalMilliseconds,
                    http.Response.Headers["x-request-id"].ToString());
            }
        }
    }

    [LoggerMessage(15, LogLevel.Information, "{Method} {Path} {Status} {Milliseconds} ms, request {RequestId}")]
    private partial void Log(string method, string path, int status, long milliseconds, string requestId);
}
