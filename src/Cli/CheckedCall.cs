using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Sessions.Model;

namespace Sessions.Cli;

/// <summary>
/// A call of two participants, from the creation of the session to the last deletion, and the response that each step expects.
/// </summary>
internal sealed class CheckedCall : IDisposable
{
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan CleanUpTimeout = TimeSpan.FromSeconds(10);

    private readonly HttpClient _http;
    private readonly string _account;
    private readonly List<string> _made = [];
    private string _session = "";
    private string _ann = "";
    private string _bob = "";

    public CheckedCall(Uri url, AccountId accountId, string user, string secret)
    {
        var server = url.GetLeftPart(UriPartial.Path).TrimEnd('/');
        _account = $"{(server.EndsWith("/v1", StringComparison.Ordinal) ? server : $"{server}/v1")}/accounts/{accountId}";
        _http = new(new SocketsHttpHandler { AllowAutoRedirect = false }) { Timeout = Timeout };
        _http.DefaultRequestHeaders.Authorization = new("Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes($"{user}:{secret}")));
        Steps =
        [
            ("create a session", CreateSessionAsync),
            ("create a participant", async cancellation => _ann = await CreateParticipantAsync(cancellation)),
            ("create another participant", async cancellation => _bob = await CreateParticipantAsync(cancellation)),
            ("add the first participant", cancellation => PutAsync(Member(_ann), null, cancellation)),
            ("add the second participant", cancellation => PutAsync(Member(_bob), new JsonObject { ["sessionId"] = _session }, cancellation)),
            ("update subscriptions", cancellation => PutAsync($"{Member(_ann)}/subscriptions", ToBob(), cancellation)),
            ("get subscriptions", GetSubscriptionsAsync),
            ("list participants", cancellation => ListAsync([_ann, _bob], cancellation)),
            ("remove the second participant", cancellation => DeleteAsync(Member(_bob), cancellation)),
            ("list the remaining participant", cancellation => ListAsync([_ann], cancellation)),
            ("delete the session", cancellation => DeleteAsync(Session, cancellation)),
            ("the session no longer exists", cancellation => IsGoneAsync(Session, cancellation)),
            ("read the events of the session", ReadEventsAsync),
            ("delete the participants", DeleteParticipantsAsync),
            ("the participants no longer exist", AreGoneAsync),
        ];
    }

    public IReadOnlyList<(string Name, Func<CancellationToken, Task> Run)> Steps { get; }

    private string Session => $"/sessions/{_session}";

    /// <summary>Runs a step. Returns null if it succeeded, otherwise the expected and the actual result.</summary>
    public static async Task<string?> FailureOfAsync(Func<CancellationToken, Task> step, CancellationToken cancellation)
    {
        try
        {
            await step(cancellation);
            return null;
        }
        catch (CliException exception)
        {
            return exception.Message;
        }
        catch (HttpRequestException exception)
        {
            return $"expected a response, but the server cannot be reached: {exception.GetBaseException().Message}";
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            return $"expected a response within {Timeout.TotalSeconds} seconds, but none arrived";
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException or KeyNotFoundException)
        {
            return "expected the JSON of this API, but got something else. Check that the URL is that of a Sessions server.";
        }
    }

    /// <summary>Deletes the remaining session and participants. Those that cannot be deleted expire.</summary>
    public async Task CleanUpAsync()
    {
        using var timeout = new CancellationTokenSource(CleanUpTimeout);
        try
        {
            foreach (var path in _made)
                (await _http.DeleteAsync(_account + path, timeout.Token)).Dispose();
        }
        catch (Exception exception) when (exception is HttpRequestException or OperationCanceledException)
        {
            // Only the failure of the step is reported.
        }
    }

    public void Dispose() => _http.Dispose();

    private string Member(string participant) => $"{Session}/participants/{participant}";

    private JsonObject ToBob() => new()
    {
        ["participants"] = new JsonArray(new JsonObject { ["participantId"] = _bob, ["streamAliases"] = new JsonArray("camera") }),
    };

    private async Task CreateSessionAsync(CancellationToken cancellation)
    {
        var session = await SendAsync(HttpMethod.Post, "/sessions", new JsonObject { ["tag"] = "sessions check" }, HttpStatusCode.OK, cancellation);
        _session = session.GetProperty("id").GetString()!;
        _made.Add(Session);
        Expect("its tag", "sessions check", session.GetProperty("tag").GetString());
    }

    private async Task<string> CreateParticipantAsync(CancellationToken cancellation)
    {
        var body = new JsonObject { ["publishPermissions"] = new JsonArray("AUDIO", "VIDEO") };
        var answer = await SendAsync(HttpMethod.Post, "/participants", body, HttpStatusCode.OK, cancellation);
        var id = answer.GetProperty("participant").GetProperty("id").GetString()!;
        _made.Add($"/participants/{id}");
        Expect("parts of the token", "3", $"{answer.GetProperty("token").GetString()!.Split('.').Length}");
        return id;
    }

    private async Task GetSubscriptionsAsync(CancellationToken cancellation)
    {
        var answer = await SendAsync(HttpMethod.Get, $"{Member(_ann)}/subscriptions", null, HttpStatusCode.OK, cancellation);
        Expect("sessionId", _session, answer.GetProperty("sessionId").GetString());
        Expect("participants", ToBob()["participants"]!.ToJsonString(), answer.GetProperty("participants").GetRawText());
    }

    private async Task ListAsync(string[] members, CancellationToken cancellation)
    {
        var answer = await SendAsync(HttpMethod.Get, $"{Session}/participants", null, HttpStatusCode.OK, cancellation);
        var listed = answer.EnumerateArray().Select(participant => participant.GetProperty("id").GetString());
        Expect("participants", string.Join(", ", members.Order()), string.Join(", ", listed.Order()));
    }

    private async Task ReadEventsAsync(CancellationToken cancellation)
    {
        var events = await SendAsync(HttpMethod.Get, $"{Session}/events", null, HttpStatusCode.OK, cancellation);
        string[] expected =
        [
            EventTypes.SessionCreated, EventTypes.ParticipantJoined, EventTypes.ParticipantJoined, EventTypes.ParticipantLeft,
            EventTypes.ParticipantLeft, EventTypes.SessionDeleted,
        ];
        Expect("events", string.Join(", ", expected), string.Join(", ", events.EnumerateArray().Select(one => one.GetProperty("type").GetString())));
    }

    private async Task DeleteParticipantsAsync(CancellationToken cancellation)
    {
        await DeleteAsync($"/participants/{_ann}", cancellation);
        await DeleteAsync($"/participants/{_bob}", cancellation);
    }

    private async Task AreGoneAsync(CancellationToken cancellation)
    {
        await IsGoneAsync($"/participants/{_ann}", cancellation);
        await IsGoneAsync($"/participants/{_bob}", cancellation);
    }

    private Task<JsonElement> PutAsync(string path, JsonObject? body, CancellationToken cancellation)
        => SendAsync(HttpMethod.Put, path, body, HttpStatusCode.NoContent, cancellation);

    private async Task DeleteAsync(string path, CancellationToken cancellation)
    {
        await SendAsync(HttpMethod.Delete, path, null, HttpStatusCode.NoContent, cancellation);
        _made.Remove(path);
    }

    private Task<JsonElement> IsGoneAsync(string path, CancellationToken cancellation)
        => SendAsync(HttpMethod.Get, path, null, HttpStatusCode.NotFound, cancellation);

    private async Task<JsonElement> SendAsync(
        HttpMethod method, string path, JsonObject? body, HttpStatusCode expected, CancellationToken cancellation)
    {
        using var request = new HttpRequestMessage(method, _account + path);
        if (body is not null)
            request.Content = new StringContent(body.ToJsonString(), new MediaTypeHeaderValue("application/json"));
        using var response = await _http.SendAsync(request, cancellation);
        var text = await response.Content.ReadAsStringAsync(cancellation);
        Expect($"{method} {path}", $"{(int)expected}", $"{(int)response.StatusCode}", ErrorOf(response, text));
        return text.Length == 0 ? default : JsonElement.Parse(text);
    }

    private static void Expect(string what, string expected, string? actual, string detail = "")
    {
        if (expected != actual)
            throw new CliException($"{what}: expected {expected}, got {actual ?? "nothing"}{detail}");
    }

    /// <summary>The server's error text, and the request id under which its logs have the request.</summary>
    private static string ErrorOf(HttpResponseMessage response, string text)
    {
        if (response.IsSuccessStatusCode || !response.Headers.TryGetValues("x-request-id", out var ids))
            return "";

        try
        {
            return $" ({JsonElement.Parse(text).GetProperty("error").GetString()} Request {ids.First()})";
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException or KeyNotFoundException)
        {
            return $" (request {ids.First()})";
        }
    }
}
