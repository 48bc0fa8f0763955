using System.Reflection;
using Markdig;
using Markdig.Extensions.AutoIdentifiers;
using Markdig.Syntax;
using Markdig.Syntax.Inlines;
using Microsoft.Net.Http.Headers;

namespace Sessions.LocalHost;

/// <summary>The documents of the project as web pages, for example at <c>/docs/api.md</c>.</summary>
internal static class DocumentPages
{
    private const string Prefix = "docs/";
    private const string Extension = ".md";

    private static readonly MarkdownPipeline Pipeline =
        new MarkdownPipelineBuilder().UsePipeTables().UseAutoIdentifiers(AutoIdentifierOptions.GitHub).Build();

    /// <summary>The names of the documents.</summary>
    public static IReadOnlyList<string> Names { get; } =
    [
        .. from name in Assembly.GetExecutingAssembly().GetManifestResourceNames()
           where name.StartsWith(Prefix, StringComparison.Ordinal) && name.EndsWith(Extension, StringComparison.Ordinal) && name.LastIndexOf('/') < Prefix.Length
           orderby name
           select name[Prefix.Length..^Extension.Length],
    ];

    /// <summary>Serves a document or another file of the same folder. Passes other requests to <paramref name="next"/>.</summary>
    public static Task InvokeAsync(HttpContext http, RequestDelegate next)
    {
        if (http.Request is not { Method: "GET" or "HEAD", Path.Value: { } path }
            || !path.StartsWith($"/{Prefix}", StringComparison.Ordinal)
            || Assembly.GetExecutingAssembly().GetManifestResourceStream(path[1..]) is not { } resource)
        {
            return next(http);
        }

        http.Response.Headers[HeaderNames.ContentSecurityPolicy] = "default-src 'self'; style-src 'unsafe-inline'; img-src 'self' data:";
        return path.EndsWith(Extension, StringComparison.Ordinal) ? SendPageAsync(http.Response, path, resource) : SendFileAsync(http.Response, path, resource);
    }

    private static async Task SendFileAsync(HttpResponse response, string path, Stream file)
    {
        await using (file)
        {
            response.ContentType = path.EndsWith(".svg", StringComparison.Ordinal) ? "image/svg+xml" : "text/plain; charset=utf-8";
            await file.CopyToAsync(response.Body, response.HttpContext.RequestAborted);
        }
    }

    private static async Task SendPageAsync(HttpResponse response, string path, Stream markdown)
    {
        using var reader = new StreamReader(markdown);
        var body = ToHtml(await reader.ReadToEndAsync(response.HttpContext.RequestAborted));
        response.ContentType = "text/html; charset=utf-8";
        await response.WriteAsync(
            $$"""
            <!doctype html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <title>Sessions: {{Path.GetFileNameWithoutExtension(path)}}</title>
            <link rel="icon" href="data:,">
            <style>
            :root { color-scheme: light dark; }
            body { font: 16px/1.6 system-ui, sans-serif; margin: 0 auto; max-width: 52rem; padding: 1rem; overflow-wrap: anywhere; }
            pre, table { overflow-x: auto; display: block; overflow-wrap: normal; }
            pre { background: light-dark(#f3f5f7, #1e2329); padding: .75rem; border-radius: .5rem; }
            th, td { border: 1px solid light-dark(#d0d7de, #3a424b); padding: .3rem .6rem; text-align: left; vertical-align: top; }
            table { border-collapse: collapse; }
            code { font-family: ui-monospace, Menlo, Consolas, monospace; font-size: .875em; }
            </style>
            </head>
            <body>
            <p><a href="/">Sessions</a></p>
            {{body}}
            </body>
            </html>
            """,
            response.HttpContext.RequestAborted);
    }

    /// <summary>Converts a document to HTML. A link to a file that is not served becomes plain text.</summary>
    private static string ToHtml(string text)
    {
        var document = Markdown.Parse(text, Pipeline);
        foreach (var link in document.Descendants<LinkInline>().Where(link => link.Url?.StartsWith("../", StringComparison.Ordinal) == true).ToArray())
        {
            var plain = new ContainerInline();
            link.TransferChildrenTo(plain);
            link.ReplaceBy(plain);
        }

        return document.ToHtml(Pipeline);
    }
}
