using System.Collections.Concurrent;
using System.Globalization;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Sessions.Tests.Webhooks;

/// <summary>A message as a receiver gets it.</summary>
public sealed record Received(string Id, string Path, string Host, string Timestamp, string? Signature, string ContentType, string Body)
{
    public JsonElement Json => JsonElement.Parse(Body);

    public string Type => Json.GetProperty("type").GetString()!;

    /// <summary>When it was sent, in seconds since 1970.</summary>
    public long Seconds => long.Parse(Timestamp, CultureInfo.InvariantCulture);

    public string? SessionId => Field("sessionId");

    public string? ParticipantId => Field("participantId");

    private string? Field(string name) => Json.GetProperty("data").TryGetProperty(name, out var value) ? value.GetString() : null;
}

/// <summary>A real web server that receives webhooks and responds as the test says.</summary>
public sealed class Receiver : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly WebApplication _app;
    private readonly ConcurrentQueue<Received> _received = new();
    private readonly SemaphoreSlim _arrivals = new(0);

    private Receiver(Func<HttpContext, Received, Task> respond)
    {
        var builder = WebApplication.CreateSlimBuilder(["--urls=http://127.0.0.1:0"]);
        builder.Logging.ClearProviders();
        _app = builder.Build();
        Respond = respond;
        _app.Run(async http =>
        {
            using var body = new StreamReader(http.Request.Body);
            var received = new Received(
                http.Request.Headers["webhook-id"]!,
                $"{http.Request.Path}{http.Request.QueryString}",
                http.Request.Host.Value!,
                http.Request.Headers["webhook-timestamp"]!,
                http.Request.Headers["webhook-signature"],
                http.Request.ContentType!,
                await body.ReadToEndAsync());
            _received.Enqueue(received);
            _arrivals.Release();
            await Respond(http, received);
        });
    }

    /// <summary>Handles a message. If it does nothing, the response is 200.</summary>
    public Func<HttpContext, Received, Task> Respond { get; set; }

    public Uri Url => new(_app.Urls.First());

    /// <summary>All messages, in the order of their arrival.</summary>
    public IReadOnlyList<Received> All => [.. _received];

    public IEnumerable<string> Ids => _received.Select(received => received.Id);

    public static Task<Receiver> StartAsync() => StartAsync((_, _) => Task.CompletedTask);

    /// <summary>Starts a receiver that responds with the status that the test chooses.</summary>
    public static Task<Receiver> StartAsync(Func<Received, int> status) => StartAsync((http, received) =>
    {
        http.Response.StatusCode = status(received);
        return Task.CompletedTask;
    });

    public static async Task<Receiver> StartAsync(Func<HttpContext, Received, Task> respond)
    {
        var receiver = new Receiver(respond);
        await receiver._app.StartAsync();
        return receiver;
    }

    /// <summary>Waits for this number of messages that no earlier call has waited for.</summary>
    public async Task ArrivedAsync(int count = 1)
    {
        for (var arrived = 0; arrived < count; arrived++)
            Assert.True(await _arrivals.WaitAsync(Patience), $"{arrived} of {count} messages arrived.");
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();
}
