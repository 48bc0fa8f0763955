using System.Net;

namespace Sessions.Tests;

/// <summary>POSTs with an idempotency key create one resource, however often they are sent.</summary>
public sealed class IdempotencyTests(Server server) : IClassFixture<Server>
{
    private const string OfAnother = "Idempotency-Key: the key was already used with another body.";
    private const string Spent = "Idempotency-Key: the resource that was created with this key was deleted or has expired.";

    [Fact]
    public async Task A_repeated_request_returns_the_same_session()
    {
        var account = await server.NewAccountAsync();
        var first = await PostAsync(account, "/sessions", "key", """{"tag":"a"}""");

        var second = await account.ChangesNothingAsync(() => PostAsync(account, "/sessions", "key", """{ "tag": "a", "extra": 1 }"""));

        second.Is(HttpStatusCode.OK, first.Body);
        Assert.Equal(2, (await account.RowsAsync()).Count);
    }

    [Fact]
    public async Task A_repeated_request_returns_the_same_participant_in_its_current_state_with_a_token()
    {
        var account = await server.NewAccountAsync();
        var body = """{"publishPermissions":["AUDIO"],"callbackUrl":"https://example.com","deviceApiVersion":"V2"}""";
        var first = (await PostAsync(account, "/participants", "key", body)).Json;
        var id = first.GetProperty("participant").GetProperty("id").GetString()!;
        var session = await account.CreateSessionAsync();
        await account.JoinAsync(session, id);

        var second = (await account.ChangesNothingAsync(() => PostAsync(account, "/participants", "key", body))).Json;

        Assert.Equal((await account.GetAsync($"/participants/{id}")).Body, second.GetProperty("participant").GetRawText());
        Assert.Equal($"[\"{session}\"]", second.GetProperty("participant").GetProperty("sessions").GetRawText());
        var tokens = new[] { first, second }.Select(answer =>
            new Microsoft.IdentityModel.JsonWebTokens.JsonWebToken(answer.GetProperty("token").GetString())).ToArray();
        Assert.Equal(tokens[0].GetPayloadValue<string>("p"), tokens[1].GetPayloadValue<string>("p"));
        Assert.Equal(tokens[0].GetPayloadValue<long>("exp"), tokens[1].GetPayloadValue<long>("exp"));
    }

    [Theory]
    [InlineData("/sessions", """{"tag":"a"}""", """{"tag":"b"}""")]
    [InlineData("/sessions", """{"tag":"a"}""", null)]
    [InlineData("/sessions", null, """{"tag":""}""")]
    [InlineData("/participants", null, """{"tag":"a"}""")]
    [InlineData("/participants", null, """{"publishPermissions":["AUDIO"]}""")]
    [InlineData("/participants", """{"publishPermissions":["AUDIO","VIDEO"]}""", """{"publishPermissions":["AUDIO"]}""")]
    [InlineData("/participants", null, """{"deviceApiVersion":"V2"}""")]
    [InlineData("/participants", null, """{"callbackUrl":"https://example.com"}""")]
    public async Task A_request_with_the_same_key_and_another_body_is_rejected(string path, string? first, string? second)
    {
        var account = await server.NewAccountAsync();
        await PostAsync(account, path, "key", first);

        var answer = await account.ChangesNothingAsync(() => PostAsync(account, path, "key", second));

        answer.IsError(HttpStatusCode.UnprocessableEntity, OfAnother);
    }

    [Theory]
    [InlineData("/sessions")]
    [InlineData("/participants")]
    public async Task Concurrent_requests_with_the_same_key_create_one_resource(string path)
    {
        var account = await server.NewAccountAsync();

        var answers = await Task.WhenAll(Enumerable.Range(0, 16).Select(_ => PostAsync(account, path, "key", """{"tag":"a"}""")));

        Assert.All(answers, answer => Assert.Equal(HttpStatusCode.OK, answer.Status));
        Assert.Single(answers.Select(answer => IdOf(answer)).Distinct());
        Assert.Equal(2, (await account.RowsAsync()).Count);
    }

    [Theory]
    [InlineData("/sessions")]
    [InlineData("/participants")]
    public async Task A_repeated_request_does_not_create_a_deleted_resource_again(string path)
    {
        var account = await server.NewAccountAsync();
        var id = IdOf(await PostAsync(account, path, "key"));
        await account.DeleteAsync($"{path}/{id}");

        var answer = await account.ChangesNothingAsync(() => PostAsync(account, path, "key"));

        answer.IsError(HttpStatusCode.Conflict, Spent);
        Assert.Equal(HttpStatusCode.NotFound, (await account.GetAsync($"{path}/{id}")).Status);
    }

    [Theory]
    [InlineData("/sessions")]
    [InlineData("/participants")]
    public async Task A_repeated_request_does_not_create_an_expired_resource_again(string path)
    {
        var account = await server.NewAccountAsync();
        await PostAsync(account, path, "key");
        server.Time.Advance(TimeSpan.FromHours(9));

        (await account.ChangesNothingAsync(() => PostAsync(account, path, "key"))).IsError(HttpStatusCode.Conflict, Spent);
    }

    [Fact]
    public async Task A_key_applies_to_one_account_and_one_type_of_resource()
    {
        var (mine, theirs) = (await server.NewAccountAsync(), await server.NewAccountAsync());

        var ids = new[]
        {
            IdOf(await PostAsync(mine, "/sessions", "key")),
            IdOf(await PostAsync(theirs, "/sessions", "key")),
            IdOf(await PostAsync(mine, "/participants", "key")),
            IdOf(await PostAsync(mine, "/sessions", "KEY")),
        };

        Assert.Equal(4, ids.Distinct().Count());
        Assert.All(ids, id => Assert.Matches("^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$", id));
    }

    [Theory]
    [InlineData("/sessions")]
    [InlineData("/participants")]
    public async Task A_new_key_adds_no_storage_calls(string path)
    {
        var account = await server.NewWarmAccountAsync();
        server.StorageCalls.Clear();

        await PostAsync(account, path, "key");

        var calls = server.StorageCalls.Count;
        server.StorageCalls.Clear();
        await account.PostAsync(path);
        Assert.Equal(server.StorageCalls.Count, calls);
    }

    [Theory]
    [InlineData("")]
    [InlineData("a b")]
    [InlineData("é")]
    [InlineData("256")]
    public async Task An_invalid_key_is_rejected(string key)
    {
        var account = await server.NewAccountAsync();
        foreach (var path in new[] { "/sessions", "/participants" })
        {
            var answer = await account.ChangesNothingAsync(() => PostAsync(account, path, key == "256" ? new('k', 256) : key));

            answer.IsError(HttpStatusCode.BadRequest, "Idempotency-Key: expected 1 to 255 visible ASCII characters.");
        }
    }

    [Fact]
    public async Task A_key_of_255_characters_is_accepted()
    {
        var account = await server.NewAccountAsync();

        Assert.Equal(HttpStatusCode.OK, (await PostAsync(account, "/sessions", new('~', 255))).Status);
    }

    private static Task<Answer> PostAsync(Account account, string path, string key, string? body = null)
        => account.SendAsync(HttpMethod.Post, path, body, headers: ("Idempotency-Key", key));

    private static string IdOf(Answer answer)
        => (answer.Json.TryGetProperty("participant", out var participant) ? participant : answer.Json).GetProperty("id").GetString()!;
}
