using System.Net;
using System.Text;

namespace Sessions.Tests;

/// <summary>Each rejected body gets 400 or 413 with the field and the expected value, and changes no row.</summary>
public sealed class BadInputTests(Server server) : IClassFixture<Server>
{
    private const string SomeId = "8f1e0b0a-5c5c-4f6e-9f3f-2f1f6f1d0c11";

    private static readonly string Text51 = new('é', 51);
    private static readonly string Text101 = new('é', 101);

    public static TheoryData<string, string> EveryBody => new()
    {
        { "{", "The body: expected a JSON object, but the JSON is not well-formed at line 1, byte 2." },
        { "{\"tag\":\n tag}", "The body: expected a JSON object, but the JSON is not well-formed at line 2, byte 3." },
        { "tag=first", "The body: expected a JSON object, but the JSON is not well-formed at line 1, byte 2." },
        { "{} {}", "The body: expected a JSON object, but the JSON is not well-formed at line 1, byte 4." },
        { "5", "The body: expected an object." },
        { "\"text\"", "The body: expected an object." },
        { "true", "The body: expected an object." },
        { "[{}]", "The body: expected an object." },
    };

    public static TheoryData<string, string> SessionBodies => new()
    {
        { """{"\ud800":1}""", "The body: expected field names of valid Unicode characters." },
        { """{"tag":5}""", "tag: expected a string." },
        { """{"tag":{"a":1}}""", "tag: expected a string." },
        { """{"tag":["a"]}""", "tag: expected a string." },
        { """{"tag":true}""", "tag: expected a string." },
        { """{"tag":"\ud800"}""", "tag: expected a string of valid Unicode characters." },
        { $$"""{"tag":"{{Text51}}"}""", "tag: expected at most 50 characters." },
    };

    public static TheoryData<string, string> ParticipantBodies => new()
    {
        { """{"tag":5}""", "tag: expected a string." },
        { $$"""{"tag":"{{Text51}}"}""", "tag: expected at most 50 characters." },
        { """{"callbackUrl":5}""", "callbackUrl: expected a string." },
        { $$"""{"callbackUrl":"https://example.com/{{new string('a', 2029)}}"}""", "callbackUrl: expected at most 2048 characters." },
        { """{"publishPermissions":"AUDIO"}""", "publishPermissions: expected an array." },
        { """{"publishPermissions":{}}""", "publishPermissions: expected an array." },
        { """{"publishPermissions":["AUDIO","SCREEN"]}""", "publishPermissions[1]: expected AUDIO or VIDEO." },
        { """{"publishPermissions":[null]}""", "publishPermissions[0]: expected AUDIO or VIDEO." },
        { """{"publishPermissions":[1]}""", "publishPermissions[0]: expected AUDIO or VIDEO." },
        { """{"deviceApiVersion":"V1"}""", "deviceApiVersion: expected V2 or V3." },
        { """{"deviceApiVersion":""}""", "deviceApiVersion: expected V2 or V3." },
        { """{"deviceApiVersion":3}""", "deviceApiVersion: expected V2 or V3." },
    };

    public static TheoryData<string, string> SubscriptionBodies => new()
    {
        { """{"sessionId":5}""", "sessionId: expected a string." },
        { $$"""{"sessionId":5,"participants":[{"participantId":"{{SomeId}}"}]}""", "sessionId: expected a string." },
        { $$"""{"sessionId":"{{SomeId}}"}""", "sessionId: expected the id of the session in the path, or else participants." },
        { $$"""{"sessionId":"{{SomeId}}","participants":[]}""", "sessionId: expected the id of the session in the path, or else participants." },
        { """{"participants":{}}""", "participants: expected an array." },
        { """{"participants":"all"}""", "participants: expected an array." },
        { """{"participants":["all"]}""", "participants[0]: expected an object." },
        { """{"participants":[null]}""", "participants[0]: expected an object." },
        { """{"participants":[{}]}""", "participants[0]: expected a participantId." },
        { """{"participants":[{"participantId":null}]}""", "participants[0]: expected a participantId." },
        { """{"participants":[{"participantId":7}]}""", "participants[0].participantId: expected a string." },
        { $$"""{"participants":[{"participantId":" {{SomeId}}"}]}""", "participants[0].participantId: expected the id of a participant, a UUID." },
        { $$"""{"participants":[{"participantId":"{{SomeId}}\t"}]}""", "participants[0].participantId: expected the id of a participant, a UUID." },
        { $$"""{"participants":[{"participantId":"{{SomeId}}\n"}]}""", "participants[0].participantId: expected the id of a participant, a UUID." },
        { """{"participants":[{"participantId":"0x1e0b0a-5c5c-4f6e-9f3f-2f1f6f1d0c11"}]}""", "participants[0].participantId: expected the id of a participant, a UUID." },
        { """{"participants":[{"participantId":"ann"}]}""", "participants[0].participantId: expected the id of a participant, a UUID." },
        { $$"""{"participants":[{"participantId":"{{SomeId}}"},{"participantId":"{{SomeId}}","streamAliases":"camera"}]}""", "participants[1].streamAliases: expected an array." },
        { $$"""{"participants":[{"participantId":"{{SomeId}}","streamAliases":["camera",5]}]}""", "participants[0].streamAliases[1]: expected a string." },
        { $$"""{"participants":[{"participantId":"{{SomeId}}","streamAliases":[null]}]}""", "participants[0].streamAliases[0]: expected a string." },
        { $$"""{"participants":[{"participantId":"{{SomeId}}","streamAliases":["{{Text101}}"]}]}""", "participants[0].streamAliases[0]: expected at most 100 characters." },
        { $$"""{"participants":[{"participantId":"{{SomeId}}","streamAliases":[{{Repeat("\"a\"", 51)}}]}]}""", "participants[0].streamAliases: expected at most 50 items." },
        { $$"""{"participants":[{{Repeat($$"""{"participantId":"{{SomeId}}"}""", 101)}}]}""", "participants: expected at most 100 items." },
    };

    [Theory]
    [MemberData(nameof(EveryBody))]
    [MemberData(nameof(SessionBodies))]
    public async Task CreateSession_rejects_an_invalid_body(string body, string error)
    {
        var account = await server.NewAccountAsync();
        await account.CreateSessionAsync();

        var answer = await account.ChangesNothingAsync(() => account.PostAsync("/sessions", body));

        answer.IsError(HttpStatusCode.BadRequest, error);
    }

    [Theory]
    [MemberData(nameof(EveryBody))]
    [MemberData(nameof(ParticipantBodies))]
    public async Task CreateParticipant_rejects_an_invalid_body(string body, string error)
    {
        var account = await server.NewAccountAsync();
        await account.CreateParticipantAsync();

        var answer = await account.ChangesNothingAsync(() => account.PostAsync("/participants", body));

        answer.IsError(HttpStatusCode.BadRequest, error);
    }

    [Theory]
    [MemberData(nameof(EveryBody))]
    [MemberData(nameof(SubscriptionBodies))]
    public async Task AddParticipantToSession_rejects_an_invalid_body(string body, string error)
    {
        var account = await server.NewAccountAsync();
        var (session, participant) = (await account.CreateSessionAsync(), await account.CreateParticipantAsync());

        var answer = await account.ChangesNothingAsync(() => account.PutAsync($"/sessions/{session}/participants/{participant}", body));

        answer.IsError(HttpStatusCode.BadRequest, error);
    }

    [Theory]
    [MemberData(nameof(EveryBody))]
    [MemberData(nameof(SubscriptionBodies))]
    public async Task UpdateParticipantSubscriptions_rejects_an_invalid_body(string body, string error)
    {
        var account = await server.NewAccountAsync();
        var (session, participant) = await account.CreateMemberAsync();

        var answer = await account.ChangesNothingAsync(
            () => account.PutAsync($"/sessions/{session}/participants/{participant}/subscriptions", body));

        answer.IsError(HttpStatusCode.BadRequest, error);
    }

    [Fact]
    public async Task A_sessionId_with_a_leading_space_does_not_match_the_session_in_the_path()
    {
        var account = await server.NewAccountAsync();
        var (session, participant) = await account.CreateMemberAsync();

        var answer = await account.ChangesNothingAsync(
            () => account.PutAsync($"/sessions/{session}/participants/{participant}/subscriptions", $$"""{"sessionId":" {{session}}"}"""));

        answer.IsError(HttpStatusCode.BadRequest, "sessionId: expected the id of the session in the path, or else participants.");
    }

    [Theory]
    [InlineData("/sessions")]
    [InlineData("/participants")]
    public async Task A_body_of_64_KiB_is_accepted_and_a_body_one_byte_larger_is_rejected(string path)
    {
        var account = await server.NewAccountAsync();
        var filler = new string('a', (64 * 1024) - """{"filler":""}""".Length);
        Assert.Equal(HttpStatusCode.OK, (await account.PostAsync(path, $$"""{"filler":"{{filler}}"}""")).Status);

        var answer = await account.ChangesNothingAsync(() => account.PostAsync(path, $$"""{"filler":"{{filler}}a"}"""));

        answer.IsError(HttpStatusCode.RequestEntityTooLarge, "The body: expected at most 65536 bytes.");
    }

    [Theory]
    [InlineData("")]
    [InlineData("/subscriptions")]
    public async Task Subscriptions_over_64_KiB_are_rejected(string suffix)
    {
        var account = await server.NewAccountAsync();
        var (session, participant) = await account.CreateMemberAsync();

        var answer = await account.ChangesNothingAsync(
            () => account.PutAsync($"/sessions/{session}/participants/{participant}{suffix}", new string(' ', (64 * 1024) + 1)));

        answer.IsError(HttpStatusCode.RequestEntityTooLarge, "The body: expected at most 65536 bytes.");
    }

    [Fact]
    public async Task A_body_nested_30_000_levels_deep_is_rejected()
    {
        var account = await server.NewAccountAsync();
        var body = new StringBuilder("{\"extra\":").Insert(9, "[", 30_000).ToString();

        var answer = await account.PostAsync("/sessions", body);

        Assert.Equal(HttpStatusCode.BadRequest, answer.Status);
        Assert.Empty(await account.RowsAsync());
    }

    [Theory]
    [InlineData("GET", "/sessions/{0}", "session")]
    [InlineData("DELETE", "/sessions/{0}", "session")]
    [InlineData("GET", "/sessions/{0}/participants", "session")]
    [InlineData("PUT", "/sessions/{0}/participants/8f1e0b0a-5c5c-4f6e-9f3f-2f1f6f1d0c11", "session")]
    [InlineData("DELETE", "/sessions/{0}/participants/8f1e0b0a-5c5c-4f6e-9f3f-2f1f6f1d0c11", "session")]
    [InlineData("GET", "/sessions/{0}/participants/8f1e0b0a-5c5c-4f6e-9f3f-2f1f6f1d0c11/subscriptions", "session")]
    [InlineData("PUT", "/sessions/{0}/participants/8f1e0b0a-5c5c-4f6e-9f3f-2f1f6f1d0c11/subscriptions", "session")]
    [InlineData("GET", "/participants/{0}", "participant")]
    [InlineData("DELETE", "/participants/{0}", "participant")]
    public async Task An_id_that_is_not_a_UUID_is_not_found(string method, string path, string what)
    {
        var account = await server.NewAccountAsync();
        string[] ids = ["x", "8f1e0b0a5c5c4f6e9f3f2f1f6f1d0c11", "{8f1e0b0a-5c5c-4f6e-9f3f-2f1f6f1d0c11}", "8f1e0b0a-5c5c-4f6e-9f3f-2f1f6f1d0c1g", "a%2Fb", "%27%20or%20true", "member:x", "☎"];
        foreach (var id in ids)
        {
            var answer = await account.SendAsync(new(method), path.Replace("{0}", id, StringComparison.Ordinal));

            answer.IsError(HttpStatusCode.NotFound, $"There is no {what} with this id.");
        }
    }

    [Theory]
    [InlineData("%20{0}")]
    [InlineData("{0}%20")]
    [InlineData("%09{0}")]
    [InlineData("{0}%0D%0A")]
    [InlineData("{0}%C2%A0")]
    public async Task An_id_with_surrounding_white_space_is_not_found(string around)
    {
        var account = await server.NewAccountAsync();
        var (session, participant) = await account.CreateMemberAsync();
        var (noSession, noParticipant) = (Around(session), Around(participant));

        foreach (var (method, path, what) in new[]
        {
            (HttpMethod.Get, $"/sessions/{noSession}", "session"), (HttpMethod.Delete, $"/sessions/{noSession}", "session"),
            (HttpMethod.Get, $"/participants/{noParticipant}", "participant"), (HttpMethod.Delete, $"/participants/{noParticipant}", "participant"),
            (HttpMethod.Put, $"/sessions/{session}/participants/{noParticipant}", "participant"),
            (HttpMethod.Put, $"/sessions/{noSession}/participants/{participant}/subscriptions", "session"),
        })
        {
            var answer = await account.ChangesNothingAsync(() => account.SendAsync(method, path));

            answer.IsError(HttpStatusCode.NotFound, $"There is no {what} with this id.");
        }

        string Around(string id) => around.Replace("{0}", id, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_string_that_is_not_valid_UTF_8_is_rejected()
    {
        var account = await server.NewAccountAsync();
        byte[] body = [.. "{\"tag\":\""u8, 0xC3, 0x28, .. "\"}"u8];
        using var request = new HttpRequestMessage(HttpMethod.Post, $"{account.Path}/sessions") { Content = new ByteArrayContent(body) };
        request.Headers.TryAddWithoutValidation("Authorization", Account.Basic(Account.Writer, ApiServer.Secret));

        using var response = await server.Http.SendAsync(request);

        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Contains("tag: expected a string of valid Unicode characters.", await response.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        Assert.Empty(await account.RowsAsync());
    }

    [Theory]
    [InlineData("")]
    [InlineData("/subscriptions")]
    public async Task Subscriptions_that_exceed_64_KiB_only_when_stored_are_rejected(string suffix)
    {
        var account = await server.NewAccountAsync();
        var (session, participant) = await account.CreateMemberAsync();
        var aliases = Repeat($"\"{string.Concat(Enumerable.Repeat("😀", 100))}\"", 50);
        var subscribed = $$"""{"participantId":"{{SomeId}}","streamAliases":[{{aliases}}]}""";

        var answer = await account.ChangesNothingAsync(() => account.PutAsync(
            $"/sessions/{session}/participants/{participant}{suffix}", $$"""{"participants":[{{subscribed}},{{subscribed}}]}"""));

        answer.IsError(HttpStatusCode.BadRequest, "participants: expected at most 65536 bytes in all.");
    }

    private static string Repeat(string item, int count) => string.Join(',', Enumerable.Repeat(item, count));
}
