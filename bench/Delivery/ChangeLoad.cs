using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Sessions.Bench;
using Sessions.Model;

namespace Sessions.Delivery;

/// <summary>A change that succeeded.</summary>
/// <param name="Type">The type of its event.</param>
/// <param name="Session">Its session, or null for the creation of a participant.</param>
/// <param name="Responded">When its response arrived, as <see cref="Stopwatch.GetTimestamp"/>.</param>
internal sealed record Change(string Type, Guid? Session, long Responded);

/// <summary>
/// Changes of sessions and participants. Five participants are created for each session, join it and leave it again. The first of
/// them then joins and leaves the session that was created before.
/// </summary>
internal sealed class ChangeLoad(HttpLoad http, Uri account)
{
    private const int ParticipantsPerSession = 5;
    private const int MaxTries = 10;

    private static readonly MediaTypeHeaderValue Json = new("application/json");

    // The changes that can be made now, because those that they need have succeeded.
    private readonly ConcurrentQueue<Func<Task>> _ready = new();
    private SessionId? _previousSession;
    private int _succeeded;
    private int _unavailable;

    /// <summary>How many changes succeeded.</summary>
    public int Succeeded => Volatile.Read(ref _succeeded);

    /// <summary>How many responses were 503. After a 503, joins and leaves are retried, and creations are not.</summary>
    public int Unavailable => Volatile.Read(ref _unavailable);

    /// <summary>The creation of each session.</summary>
    public ConcurrentDictionary<Guid, Change> Sessions { get; } = new();

    /// <summary>The changes of each participant, in their order.</summary>
    public ConcurrentDictionary<Guid, List<Change>> Participants { get; } = new();

    /// <summary>Makes one change.</summary>
    public Task MakeAsync() => _ready.TryDequeue(out var change) ? change() : CreateSessionAsync();

    private async Task CreateSessionAsync()
    {
        if (await CreateAsync("sessions", Samples.Session) is not { } created)
            return;

        var session = created.GetProperty("id").GetGuid();
        Sessions[session] = Made(EventTypes.SessionCreated, session);
        var previous = Interlocked.Exchange(ref _previousSession, new(session));
        for (var number = 0; number < ParticipantsPerSession; number++)
        {
            Guid[] joined = number == 0 && previous is not null ? [session, previous.Id] : [session];
            _ready.Enqueue(() => CreateParticipantAsync(joined));
        }
    }

    private async Task CreateParticipantAsync(Guid[] sessions)
    {
        if (await CreateAsync("participants", Samples.Participant) is not { } created)
            return;

        var participant = created.GetProperty("participant").GetProperty("id").GetGuid();
        List<Change> changes = [Made(EventTypes.ParticipantCreated, null)];
        Participants[participant] = changes;
        Queue<Guid> rest = new(sessions);
        _ready.Enqueue(JoinAsync);

        async Task JoinAsync()
        {
            await MoveAsync(HttpMethod.Put, rest.Peek(), participant);
            changes.Add(Made(EventTypes.ParticipantJoined, rest.Peek()));
            _ready.Enqueue(LeaveAsync);
        }

        async Task LeaveAsync()
        {
            await MoveAsync(HttpMethod.Delete, rest.Peek(), participant);
            changes.Add(Made(EventTypes.ParticipantLeft, rest.Dequeue()));
            if (rest.Count > 0)
                _ready.Enqueue(JoinAsync);
        }
    }

    private Change Made(string type, Guid? session)
    {
        Interlocked.Increment(ref _succeeded);
        return new(type, session, Stopwatch.GetTimestamp());
    }

    /// <summary>Creates a session or participant. Returns null if it is unknown whether it was created.</summary>
    private async Task<JsonElement?> CreateAsync(string list, byte[] body)
    {
        var (status, response) = await SendAsync(HttpMethod.Post, list, body);
        return status switch
        {
            HttpStatusCode.OK => JsonElement.Parse(response),
            HttpStatusCode.ServiceUnavailable => null,
            _ => throw Unexpected(list, status, response),
        };
    }

    /// <summary>
    /// Makes a participant join or leave, and retries after a 503. If a retried leave returns 404, an earlier try succeeded.
    /// </summary>
    private async Task MoveAsync(HttpMethod method, Guid session, Guid participant)
    {
        var path = $"sessions/{session}/participants/{participant}";
        for (var count = 1; ; count++)
        {
            var (status, response) = await SendAsync(method, path, null);
            if (status == HttpStatusCode.NoContent || (status == HttpStatusCode.NotFound && method == HttpMethod.Delete && count > 1))
                return;

            if (status != HttpStatusCode.ServiceUnavailable || count == MaxTries)
                throw Unexpected(path, status, response);

            await Task.Delay(TimeSpan.FromSeconds(1));
        }
    }

    private async Task<(HttpStatusCode Status, byte[] Response)> SendAsync(HttpMethod method, string path, byte[]? body)
    {
        using var request = new HttpRequestMessage(method, new Uri(account, path));
        request.Headers.Authorization = HttpLoad.LocalCredential;
        if (body is not null)
            request.Content = new ByteArrayContent(body) { Headers = { ContentType = Json } };
        using var response = await http.Client.SendAsync(request, CancellationToken.None);
        if (response.StatusCode == HttpStatusCode.ServiceUnavailable)
            Interlocked.Increment(ref _unavailable);
        return (response.StatusCode, await response.Content.ReadAsByteArrayAsync());
    }

    private static BenchmarkException Unexpected(string path, HttpStatusCode status, byte[] response)
        => new(string.Create(CultureInfo.InvariantCulture, $"{path} returned {(int)status}: {Encoding.UTF8.GetString(response)}"));

    /// <summary>An id in an object, so that it can be exchanged at once.</summary>
    private sealed record SessionId(Guid Id);
}
