using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Sessions.Delivery;

/// <summary>An event as the receiver got it.</summary>
/// <param name="Type">Its type.</param>
/// <param name="Session">Its session, if it has one.</param>
/// <param name="Participant">Its participant, if it has one.</param>
/// <param name="Number">Its number among the events of the session or participant that its id names.</param>
/// <param name="FirstTry">The position of its first try in the sequence of all tries and acceptances.</param>
internal sealed record ReceivedEvent(string Type, Guid? Session, Guid? Participant, int Number, long FirstTry)
{
    /// <summary>How many tries arrived.</summary>
    public int Tries { get; set; }

    /// <summary>How many tries were refused.</summary>
    public int Refused { get; set; }

    /// <summary>How many tries arrived after the event had been accepted.</summary>
    public int Repeats { get; set; }

    /// <summary>The position of its first acceptance in the same sequence as <see cref="FirstTry"/>, or 0 for none.</summary>
    public long Accepted { get; set; }

    /// <summary>When it was accepted first, as <see cref="Stopwatch.GetTimestamp"/>.</summary>
    public long AcceptedAt { get; set; }

    /// <summary>How many tries arrived until it was accepted.</summary>
    public int TriesUntilAccepted { get; set; }
}

/// <summary>
/// A web server that gets the events of a webhook at <c>/webhook</c> and refuses a share of the tries. It accepts everything at any
/// other path.
/// </summary>
internal sealed class Receiver : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly int _lastTry;
    private readonly ConcurrentDictionary<string, ReceivedEvent> _events = new();
    private long _place;
    private int _accepted;
    private long _bodyBytes;

    private Receiver(int lastTry)
    {
        _lastTry = lastTry;
        var builder = WebApplication.CreateSlimBuilder(["--urls=http://127.0.0.1:0"]);
        builder.Logging.ClearProviders();
        _app = builder.Build();
        _app.MapPost("/webhook", ReceiveAsync);
        _app.MapPost("/direct", http => http.Request.Body.CopyToAsync(Stream.Null));
    }

    /// <summary>The fraction of tries that are refused.</summary>
    public double Failing { get; set; }

    public Uri Webhook => new(new Uri(_app.Urls.First()), "/webhook");

    public Uri Direct => new(new Uri(_app.Urls.First()), "/direct");

    /// <summary>How many events were accepted, each counted once.</summary>
    public int Accepted => Volatile.Read(ref _accepted);

    public IReadOnlyCollection<ReceivedEvent> Events => [.. _events.Values];

    /// <summary>The mean size of a body, in bytes.</summary>
    public int BodySize => (int)(Volatile.Read(ref _bodyBytes) / Math.Max(1, Events.Sum(one => one.Tries)));

    /// <param name="lastTry">The number of the try that is always accepted, from 1.</param>
    public static async Task<Receiver> StartAsync(int lastTry)
    {
        var receiver = new Receiver(lastTry);
        await receiver._app.StartAsync();
        return receiver;
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    private async Task ReceiveAsync(HttpContext http)
    {
        using var body = new MemoryStream();
        await http.Request.Body.CopyToAsync(body);
        Interlocked.Add(ref _bodyBytes, body.Length);
        string id = http.Request.Headers["webhook-id"]!;
        var one = _events.GetOrAdd(id, _ => Read(id, body.ToArray()));
        lock (one)
            http.Response.StatusCode = Receive(one) ? StatusCodes.Status200OK : StatusCodes.Status500InternalServerError;
    }

    private bool Receive(ReceivedEvent one)
    {
        one.Tries++;
        if (one.Accepted > 0)
            one.Repeats++;
        if (one.Tries < _lastTry && Random.Shared.NextDouble() < Failing)
        {
            one.Refused++;
            return false;
        }

        if (one.Accepted == 0)
        {
            one.Accepted = Interlocked.Increment(ref _place);
            one.AcceptedAt = Stopwatch.GetTimestamp();
            one.TriesUntilAccepted = one.Tries;
            Interlocked.Increment(ref _accepted);
        }

        return true;
    }

    private ReceivedEvent Read(string id, byte[] body)
    {
        var json = JsonElement.Parse(body);
        var data = json.GetProperty("data");
        return new(
            json.GetProperty("type").GetString()!,
            IdIn("sessionId"),
            IdIn("participantId"),
            int.Parse(id.Split('_')[2], CultureInfo.InvariantCulture),
            Interlocked.Increment(ref _place));

        Guid? IdIn(string name) => data.TryGetProperty(name, out var value) ? value.GetGuid() : null;
    }
}
