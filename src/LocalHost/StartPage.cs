using System.Net;
using System.Reflection;
using System.Text;
using Azure.Data.Tables;
using Microsoft.AspNetCore.Http.Headers;
using Microsoft.Net.Http.Headers;
using Sessions.Gateway.Network;

namespace Sessions.LocalHost;

/// <summary>
/// The page that a browser gets at <c>/</c>, with the actual addresses, credentials and first calls. Other clients get the function's
/// response, which has links.
/// </summary>
internal sealed class StartPage(TableServiceClient storage, MediaSockets media, LocalAccess access)
{
    private static readonly string Template = ReadTemplate();

    /// <summary>Serves the page. Passes other requests to <paramref name="next"/>.</summary>
    public Task InvokeAsync(HttpContext http, RequestDelegate next)
        => http.Request is { Path.Value: "/", Method: "GET" or "HEAD" } && PrefersHtml(http.Request.GetTypedHeaders())
            ? SendAsync(http)
            : next(http);

    /// <summary>Whether <c>Accept</c> names HTML, and does not give JSON a higher weight.</summary>
    private static bool PrefersHtml(RequestHeaders headers)
    {
        return Weight("text/html") is > 0 and var html && html >= (Weight("application/json") ?? 0);

        double? Weight(string type) => headers.Accept.FirstOrDefault(one => one.MediaType.Equals(type, StringComparison.OrdinalIgnoreCase)) is { } found
            ? found.Quality ?? 1
            : null;
    }

    private Task SendAsync(HttpContext http)
    {
        http.Response.ContentType = "text/html; charset=utf-8";
        http.Response.Headers[HeaderNames.CacheControl] = "no-store";
        http.Response.Headers[HeaderNames.ContentSecurityPolicy] = "default-src 'self'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:";
        var page = Fill(http.Request);
        http.Response.ContentLength = Encoding.UTF8.GetByteCount(page);
        return HttpMethods.IsHead(http.Request.Method) ? Task.CompletedTask : http.Response.WriteAsync(page, http.RequestAborted);
    }

    private string Fill(HttpRequest request)
    {
        var isLocal = storage.Uri.IsLoopback;
        var page = new StringBuilder(Template);
        foreach (var (name, value) in new[]
        {
            ("base", $"{request.Scheme}://{request.Host}/v1"),
            ("gateway", $"{(request.IsHttps ? "wss" : "ws")}://{request.Host}"),
            ("media", $"media on port {media.Port}"),
            ("storage", isLocal ? $"on this machine ({storage.Uri.Authority})" : storage.Uri.Host),
            ("account", isLocal ? LocalCredential.Account : "ACCOUNT"),
            ("user", isLocal ? access.User : "USER"),
            // Anyone who reaches the server can read the page.
            ("secret", isLocal ? access.ShownSecret : "SECRET"),
            ("note", isLocal
                ? access.IsKnown
                    ? "These credentials exist only in storage on this machine."
                    : "SECRET stands for the secret that you started Sessions with."
                : "The storage is not on this machine, so there are no default credentials. Run: sessions credentials add ACCOUNT USER"),
            ("csharpSessionId", "{{sessionId}}"),
        })
        {
            page.Replace($"{{{{{name}}}}}", WebUtility.HtmlEncode(value));
        }

        return page.Replace("{{documents}}", string.Join(", ", DocumentPages.Names.Select(name => $"<a href=\"/docs/{name}.md\">{name}</a>"))).ToString();
    }

    private static string ReadTemplate()
    {
        using var reader = new StreamReader(Assembly.GetExecutingAssembly().GetManifestResourceStream("start.html")!);
        return reader.ReadToEnd();
    }
}
