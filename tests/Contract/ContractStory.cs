using System.Diagnostics;
using Azure;
using Sessions.Events;
using Sessions.Model;
using Sessions.Security;
using Sessions.Storage;
using Sessions.Tests.Gateway;
using Sessions.Tests.Webhooks;
using Sessions.Webhooks;

namespace Sessions.Tests.Contract;

/// <summary>
/// One account on one server, with requests that produce every response that the OpenAPI document describes. It sends the requests of the
/// document's examples, so that its responses can be compared with the documented ones.
/// </summary>
public sealed class ContractStory(AzuriteFixture azurite) : Server(azurite)
{
    private const string Reader = "reader";
    private const string TraceId = "0af7651916cd43dd8448eb211c80319c";
    private const string TraceParent = $"00-{TraceId}-b7ad6b7169203331-01";
    private const string EveryType =
        "participant.connected participant.created participant.disconnected participant.joined participant.left session.created session.deleted session.ended webhook.test";

    private Account _account = null!;

    /// <summary>The parts of the document that have occurred.</summary>
    internal ContractLog Log { get; } = new();

    /// <summary>The messages that the receiver of the account's webhook got.</summary>
    internal IReadOnlyList<Received> Messages { get; private set; } = [];

    protected override bool DeliversEvents => true;

    // A participant expires before its session, and its events expire before either.
    protected override IEnumerable<string> Settings =>
    [
        "--Sessions:ParticipantsPerSession=2", "--Sessions:SessionLifetime=30.00:00:00", "--Sessions:ParticipantLifetime=20.00:00:00",
    ];

    public override async ValueTask InitializeAsync()
    {
        await base.InitializeAsync();
        await using var receiver = await Receiver.StartAsync();
        _account = await NewAccountAsync("9900000");
        await _account.AddUserAsync(Reader, Secret, Access.Read);
        await RefuseTheFeedAsync();
        await Service<Feeds>().TurnOnAsync(AccountId.Parse(_account.Id), CancellationToken.None);
        var webhook = await Service<WebhookStore>().AddAsync(AccountId.Parse(_account.Id), receiver.Url, [], 0, CancellationToken.None);
        Contract.Log = Log;

        await AnswerServiceAsync();
        var (session, participant) = await SucceedAsync();
        await ConflictAsync(session, participant);
        await RefuseBodiesAsync(session, participant);
        await RefuseConditionsAsync(session, participant);
        await FindNothingAsync(session);
        await RefuseCallersAsync(session, participant);
        await FailAsync(session, participant);
        await EndAsync(session, participant, receiver);
        await ReceiveAsync(receiver, webhook);
    }

    private async Task RefuseTheFeedAsync()
    {
        Contract.Log = Log;
        var other = await NewAccountAsync();
        await other.GetAsync("/events");
    }

    private async Task AnswerServiceAsync()
    {
        foreach (var path in new[] { "/", "/openapi.json", "/health" })
            await GetAsync(path);
        StorageCalls.Fault = () => new RequestFailedException(503, "Busy.");
        Time.Advance(TimeSpan.FromSeconds(2));
        await GetAsync("/health");
        StorageCalls.Fault = () => null;

        async Task GetAsync(string path)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, path);
            request.Headers.TryAddWithoutValidation("traceparent", TraceParent);
            using var response = await Http.SendAsync(request);
        }
    }

    /// <summary>Every operation, with success and with every parameter.</summary>
    private async Task<(string Session, string Participant)> SucceedAsync()
    {
        var created = await SendAsync(HttpMethod.Post, "/participants", ExampleOf("createParticipant", "all"), ("Idempotency-Key", "ann"));
        var participant = created.Json.GetProperty("participant").GetProperty("id").GetString()!;
        var other = await _account.CreateParticipantAsync(ExampleOf("createParticipant", "empty"));
        await _account.CreateParticipantAsync("""{"publishPermissions":["audio"],"deviceApiVersion":"V2"}""");
        await _account.CreateParticipantAsync("""{"deviceApiVersion":"v2"}""");
        await _account.CreateSessionAsync(ExampleOf("createSession", "empty"));
        var session = (await SendAsync(HttpMethod.Post, "/sessions", ExampleOf("createSession", "tag"), ("Idempotency-Key", "standup"))).Json.GetProperty("id").GetString()!;
        var member = $"/sessions/{session}/participants/{participant}";

        await SendAsync(HttpMethod.Put, member, Fill(ExampleOf("addParticipantToSession", "everyone"), session, other), ("If-Match", "*"));
        foreach (var path in new[] { $"/sessions/{session}", $"/participants/{participant}" })
            await GetTwiceAsync(path);
        await SendAsync(HttpMethod.Get, $"/sessions/{session}/participants");
        await SendAsync(HttpMethod.Get, $"/sessions/{session}/events");
        await _account.GetAsync($"/sessions/{session}/events?limit=1&after=evt_{Guid.Parse(session):N}_1");
        await _account.JoinAsync(session, participant, Fill(ExampleOf("addParticipantToSession", "some"), session, other));
        foreach (var example in new[] { "everyone", "nobody", "some" })
            await SendAsync(HttpMethod.Put, $"{member}/subscriptions", Fill(ExampleOf("updateParticipantSubscriptions", example), session, other), ("If-Match", "*"));
        await GetTwiceAsync($"{member}/subscriptions");
        await _account.GetAsync($"/participants/{participant}");
        await ListAsync();
        return (session, participant);
    }

    private async Task ListAsync()
    {
        foreach (var (list, tag) in new[] { ("sessions", "standup"), ("participants", "ann") })
        {
            await _account.GetAsync($"/{list}?tag={tag}");
            var page = await _account.GetAsync($"/{list}?limit=1");
            await _account.GetAsync($"/{list}?tagPrefix=s&after={page.Json[0].GetProperty("id")}");
        }

        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while ((await _account.GetAsync("/events")).Json.GetArrayLength() < 7)
            await Task.Delay(50, patience.Token);
        await _account.GetAsync("/events?limit=1");
        for (var position = 1; position < 7; position++)
            await _account.GetAsync($"/events?limit=1&after=log_{position}");
    }

    private async Task ConflictAsync(string session, string participant)
    {
        var elsewhere = await _account.CreateSessionAsync();
        await _account.PutAsync($"/sessions/{elsewhere}/participants/{participant}");
        await _account.PutAsync($"/sessions/{elsewhere}/participants/{participant}/subscriptions");
        await _account.JoinAsync(session, await _account.CreateParticipantAsync());
        await _account.PutAsync($"/sessions/{session}/participants/{await _account.CreateParticipantAsync()}");

        foreach (var list in new[] { "/sessions", "/participants" })
        {
            var created = (await SendAsync(HttpMethod.Post, list, "{}", ("Idempotency-Key", "gone"))).Json;
            await SendAsync(HttpMethod.Post, list, """{"tag":"another"}""", ("Idempotency-Key", "gone"));
            var id = (created.TryGetProperty("participant", out var inside) ? inside : created).GetProperty("id");
            await SendAsync(HttpMethod.Delete, $"{list}/{id}", null, ("If-Match", "*"));
            await SendAsync(HttpMethod.Post, list, "{}", ("Idempotency-Key", "gone"));
        }
    }

    private async Task RefuseBodiesAsync(string session, string participant)
    {
        foreach (var (_, method, path) in Paths(session, participant).Where(request => request.Method is "POST" or "PUT"))
        {
            await SendAsync(new(method), path, """{"tag":5,"sessionId":5}""");
            await SendAsync(new(method), path, new string(' ', 65 * 1024));
            using var request = new HttpRequestMessage(new(method), _account.Path + path) { Content = new StreamContent(new MemoryStream("{}"u8.ToArray())) };
            request.Headers.TransferEncodingChunked = true;
            request.Headers.TryAddWithoutValidation("Authorization", Account.Basic(Account.Writer, Secret));
            using var response = await Http.SendAsync(request);
        }

        foreach (var list in new[] { "/sessions", "/participants", "/events", $"/sessions/{session}/events" })
            await _account.GetAsync($"{list}?limit=0");
    }

    private async Task RefuseConditionsAsync(string session, string participant)
    {
        foreach (var (_, method, path) in Paths(session, participant).Where(request => request.Method is "PUT" or "DELETE"))
            await SendAsync(new(method), path, null, ("If-Match", "\"another\""));
    }

    private async Task FindNothingAsync(string session)
    {
        var nobody = Guid.NewGuid().ToString();
        foreach (var (_, method, path) in Paths(nobody, nobody))
            await SendAsync(new(method), path);
        await _account.PutAsync($"/sessions/{session}/participants/{nobody}");
        await _account.DeleteAsync($"/sessions/{session}/participants/{nobody}");
    }

    private async Task RefuseCallersAsync(string session, string participant)
    {
        var limited = await NewAccountAsync();
        for (var guess = 0; guess < 10; guess++)
            await limited.SendAsync(HttpMethod.Get, "/sessions", authorization: Account.Basic(Account.Writer, $"wrong {guess}"));
        foreach (var (_, method, path) in Paths(session, participant))
        {
            await _account.SendAsync(new(method), path, authorization: "");
            await limited.SendAsync(new(method), path, authorization: Account.Basic(Account.Writer, "wrong"));
            if (method != "GET")
                await _account.SendAsync(new(method), path, authorization: Account.Basic(Reader, Secret));
        }
    }

    private async Task FailAsync(string session, string participant)
    {
        foreach (var status in new[] { 400, 503 })
        {
            // Without the deliveries in the background. A lease that they could not release would delay the later events.
            StorageCalls.Fault = () => $"{Activity.Current?.TraceId}" == TraceId ? new RequestFailedException(status, "Broken.") : null;
            foreach (var (_, method, path) in Paths(session, participant))
                await SendAsync(new(method), path);
            StorageCalls.Fault = () => null;
        }
    }

    /// <summary>Every way in which a participant leaves and a session ends, and the expiry of the events.</summary>
    private async Task EndAsync(string session, string participant, Receiver receiver)
    {
        var (deleted, _) = await _account.CreateMemberAsync();
        var (other, gone) = await _account.CreateMemberAsync();
        await SendAsync(HttpMethod.Delete, $"/sessions/{deleted}", null, ("If-Match", "*"));
        await SendAsync(HttpMethod.Delete, $"/participants/{gone}", null, ("If-Match", "*"));
        await _account.GetAsync($"/sessions/{deleted}/events");
        await _account.GetAsync($"/sessions/{other}/events");
        await SendAsync(HttpMethod.Delete, $"/sessions/{session}/participants/{participant}", null, ("If-Match", "*"));
        await Eventually.IsAsync(true, () => receiver.All.Any(message => message.Type == EventTypes.ParticipantLeft && message.SessionId == session));
        await ConnectADeviceAsync(receiver);

        Time.Advance(TimeSpan.FromDays(21));
        await Service<Sweeper>().SweepAsync(1000, CancellationToken.None);
        await _account.GetAsync($"/sessions/{session}/events");
        await Service<LogSweeper>().SweepAsync(CancellationToken.None);
        await _account.GetAsync("/events?after=log_1");
        Time.Advance(TimeSpan.FromDays(10));
        // A delivery may be ending the session at the same moment.
        for (var tries = 0; tries < 100 && !(await _account.GetAsync($"/sessions/{session}/events")).Body.Contains(EventTypes.SessionEnded, StringComparison.Ordinal); tries++)
            await Task.Delay(TimeSpan.FromMilliseconds(20));
        Time.Advance(Sweeper.Grace + TimeSpan.FromDays(1));
        await Service<Sweeper>().SweepAsync(1000, CancellationToken.None);
        await _account.GetAsync($"/sessions/{session}/events?after=evt_{Guid.Parse(session):N}_1");
    }

    private async Task ConnectADeviceAsync(Receiver receiver)
    {
        var token = (await SendAsync(HttpMethod.Post, "/participants", """{"tag":"with a device"}""")).Json.GetProperty("token").GetString()!;
        await using (var device = await TestDevice.ConnectAsync(Url, token))
            await device.CallAsync("ping");
        await Eventually.IsAsync(true, () => receiver.All.Any(message => message.Type == EventTypes.ParticipantDisconnected));
        await _account.GetAsync("/events?limit=1000");
    }

    private async Task ReceiveAsync(Receiver receiver, Webhook webhook)
    {
        var told = new SessionsEvent($"evt_{Guid.NewGuid():N}", WebhookEvents.Test, Time.GetUtcNow(), new(_account.Id, null, null, null, null));
        await Service<WebhookClient>().SendAsync(webhook, told, CancellationToken.None);
        await Eventually.IsAsync(EveryType, () => string.Join(' ', receiver.All.Select(message => message.Type).Distinct().Order(StringComparer.Ordinal)));
        Messages = receiver.All;
    }

    private Task<Answer> SendAsync(HttpMethod method, string path, string? body = null, params (string Name, string Value)[] headers)
        => _account.SendAsync(method, path, body, headers: [.. headers, ("traceparent", TraceParent)]);

    private async Task GetTwiceAsync(string path)
    {
        var etag = (await SendAsync(HttpMethod.Get, path)).Headers.ETag!.ToString();
        await SendAsync(HttpMethod.Get, path, null, ("If-None-Match", etag));
        await SendAsync(HttpMethod.Get, path, null, ("If-None-Match", "\"another\""));
    }

    /// <summary>Every operation on an account, with these ids in its path.</summary>
    private static IEnumerable<(string Operation, string Method, string Path)> Paths(string session, string participant)
        => from function in HttpFunction.All
           where function.Route.StartsWith("v1/accounts/{accountId}/", StringComparison.Ordinal)
           select (
               function.Operation,
               function.Methods[0].ToUpperInvariant(),
               function.Route["v1/accounts/{accountId}".Length..]
                   .Replace("{sessionId}", session, StringComparison.Ordinal)
                   .Replace("{participantId}", participant, StringComparison.Ordinal));

    /// <summary>The body of an example with the ids of this story.</summary>
    private static string Fill(string example, string session, string participant)
        => example
            .Replace("0199a3c2-7c4e-7d10-b1f3-a0c2d4e6f801", session, StringComparison.Ordinal)
            .Replace("0199a3c2-9b22-7f4c-8e63-2a1f3e4d5c6b", participant, StringComparison.Ordinal);

    private static string ExampleOf(string operation, string name)
        => OpenApiContract.Instance.Operations.Single(one => one.Id == operation).RequestBody!.Value["examples", name, "value"].Value.GetRawText();
}
