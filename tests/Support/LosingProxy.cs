using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Sessions.Tests;

/// <summary>A proxy in front of a server. It returns its own 502 for updates of subscriptions, and passes on all other requests.</summary>
public sealed class LosingProxy : IAsyncDisposable
{
    private readonly WebApplication _app;

    private LosingProxy(WebApplication app) => _app = app;

    public string Url => _app.Urls.First();

    public static async Task<LosingProxy> StartAsync(Uri server)
    {
        var builder = WebApplication.CreateSlimBuilder(["--urls=http://127.0.0.1:0"]);
        builder.Logging.ClearProviders();
        var app = builder.Build();
        var http = new HttpClient { BaseAddress = server };
        app.Run(async context =>
        {
            if (HttpMethods.IsPut(context.Request.Method) && context.Request.Path.Value!.EndsWith("/subscriptions", StringComparison.Ordinal))
            {
                context.Response.StatusCode = StatusCodes.Status502BadGateway;
                return;
            }

            using var request = new HttpRequestMessage(new(context.Request.Method), context.Request.Path.Value);
            request.Headers.TryAddWithoutValidation("Authorization", (string?)context.Request.Headers.Authorization);
            using var body = new MemoryStream();
            await context.Request.Body.CopyToAsync(body);
            request.Content = new ByteArrayContent(body.ToArray());
            using var response = await http.SendAsync(request);
            context.Response.StatusCode = (int)response.StatusCode;
            if (response.StatusCode != System.Net.HttpStatusCode.NoContent)
                await response.Content.CopyToAsync(context.Response.Body);
        });
        await app.StartAsync();
        return new(app);
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();
}
