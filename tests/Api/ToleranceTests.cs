using System.Net;
using System.Net.Http.Headers;

namespace Sessions.Tests;

/// <summary>Variations that real clients send, all of which work.</summary>
public sealed class ToleranceTests(Server server) : IClassFixture<Server>
{
    private const string SomeId = "8f1e0b0a-5c5c-4f6e-9f3f-2f1f6f1d0c11";

    [Theory]
    [InlineData("/sessions", null, null)]
    [InlineData("/sessions", "", "application/json")]
    [InlineData("/sessions", "", null)]
    [InlineData("/sessions", "null", "application/json")]
    [InlineData("/sessions", "[]", "application/json")]
    [InlineData("/sessions", "{}", "application/json")]
    [InlineData("/sessions", " \r\n\t{ } ", "application/json")]
    [InlineData("/sessions", "{}", "text/plain")]
    [InlineData("/sessions", "\uFEFF{}", "application/json; charset=utf-8")]
    [InlineData("/sessions", """{"id":"mine","extra":{"deep":[1,2]},"tag":null}""", "application/json")]
    [InlineData("/participants", null, null)]
    [InlineData("/participants", "", "application/json")]
    [InlineData("/participants", "", null)]
    [InlineData("/participants", "null", "application/json")]
    [InlineData("/participants", "[]", "application/json")]
    [InlineData("/participants", "{}", "application/json")]
    [InlineData("/participants", """{"id":5,"subscriptions":"any","sessions":7,"tag":null,"callbackUrl":null,"publishPermissions":null,"deviceApiVersion":null}""", "application/json")]
    public async Task A_POST_with_no_usable_fields_creates_a_resource_with_defaults(string path, string? body, string? contentType)
    {
        var account = await server.NewAccountAsync();

        var answer = await account.SendAsync(HttpMethod.Post, path, body, contentType);

        Assert.Equal(HttpStatusCode.OK, answer.Status);
        var created = path == "/sessions" ? answer.Json : answer.Json.GetProperty("participant");
        var id = created.GetProperty("id").GetString();
        var expected = path == "/sessions"
            ? $$"""{"id":"{{id}}","participant_ids":[]}"""
            : $$"""{"id":"{{id}}","publishPermissions":[],"sessions":[],"subscriptions":{},"tag":"{{id}}","deviceApiVersion":"V3"}""";
        Assert.Equal(expected, created.GetRawText());
        Assert.NotEqual("mine", id);
    }

    [Theory]
    [InlineData(null, null)]
    [InlineData("", "application/json")]
    [InlineData("", null)]
    [InlineData("null", "application/json")]
    [InlineData("[]", "application/json")]
    [InlineData("{}", "application/json")]
    [InlineData("""{"participants":[]}""", "application/json")]
    [InlineData("""{"participants":null,"sessionId":null,"id":4}""", "application/json")]
    public async Task A_join_or_update_with_no_usable_fields_subscribes_to_nothing(string? body, string? contentType)
    {
        var account = await server.NewAccountAsync();
        var (session, participant) = (await account.CreateSessionAsync(), await account.CreateParticipantAsync());
        var path = $"/sessions/{session}/participants/{participant}";

        (await account.SendAsync(HttpMethod.Put, path, body, contentType)).Is(HttpStatusCode.NoContent);
        (await account.GetAsync($"{path}/subscriptions")).Is(HttpStatusCode.OK, "{}");

        await account.PutAsync($"{path}/subscriptions", $$"""{"sessionId":"{{session}}"}""");
        (await account.SendAsync(HttpMethod.Put, $"{path}/subscriptions", body, contentType)).Is(HttpStatusCode.NoContent);
        (await account.GetAsync($"{path}/subscriptions")).Is(HttpStatusCode.OK, "{}");
    }

    [Fact]
    public async Task An_HTTP_1_0_request_without_a_Host_header_is_accepted()
    {
        var answer = await server.SendRawAsync("GET /nothing HTTP/1.0\r\n\r\n");

        Assert.StartsWith("HTTP/1.1 404 Not Found\r\n", answer, StringComparison.Ordinal);
        Assert.Contains("\"code\":404", answer, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("a:99999")]
    [InlineData("$")]
    [InlineData("a..b")]
    [InlineData(".")]
    [InlineData("")]
    [InlineData("300 characters")]
    public async Task An_invalid_Host_header_is_ignored(string host)
    {
        var header = host == "300 characters" ? new string('a', 300) : host;

        var health = await server.SendRawAsync($"GET /health HTTP/1.1\r\nHost: {header}\r\nConnection: close\r\n\r\n");
        var nothing = await server.SendRawAsync($"GET /nothing HTTP/1.1\r\nHost: {header}\r\nConnection: close\r\n\r\n");

        Assert.StartsWith("HTTP/1.1 200 OK\r\n", health, StringComparison.Ordinal);
        Assert.StartsWith("HTTP/1.1 404 Not Found\r\n", nothing, StringComparison.Ordinal);
        Assert.Contains("\"code\":404", nothing, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("*/*")]
    [InlineData("application/json, text/plain, */*")]
    [InlineData("text/html")]
    public async Task Any_Accept_header_gets_JSON(string? accept)
    {
        var account = await server.NewAccountAsync();
        using var request = new HttpRequestMessage(HttpMethod.Post, $"{account.Path}/sessions");
        request.Headers.TryAddWithoutValidation("Authorization", Account.Basic(Account.Writer, ApiServer.Secret));
        if (accept is not null)
            request.Headers.TryAddWithoutValidation("Accept", accept);

        using var response = await server.Http.SendAsync(request);

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal(new MediaTypeHeaderValue("application/json"), response.Content.Headers.ContentType);
    }

    [Fact]
    public async Task One_trailing_slash_is_accepted_on_every_path()
    {
        var account = await server.NewAccountAsync();
        var session = (await account.PostAsync("/sessions/")).Json.GetProperty("id");
        var participant = (await account.PostAsync("/participants/")).Json.GetProperty("participant").GetProperty("id");
        var path = $"/sessions/{session}/participants/{participant}";

        Assert.Equal(HttpStatusCode.OK, (await account.GetAsync($"/sessions/{session}/")).Status);
        Assert.Equal(HttpStatusCode.OK, (await account.GetAsync($"/participants/{participant}/")).Status);
        Assert.Equal(HttpStatusCode.NoContent, (await account.PutAsync($"{path}/")).Status);
        Assert.Equal(HttpStatusCode.OK, (await account.GetAsync($"/sessions/{session}/participants/")).Status);
        Assert.Equal(HttpStatusCode.OK, (await account.GetAsync($"{path}/subscriptions/")).Status);
        Assert.Equal(HttpStatusCode.NoContent, (await account.PutAsync($"{path}/subscriptions/")).Status);
        Assert.Equal(HttpStatusCode.NoContent, (await account.DeleteAsync($"{path}/")).Status);
        Assert.Equal(HttpStatusCode.NoContent, (await account.DeleteAsync($"/participants/{participant}/")).Status);
        Assert.Equal(HttpStatusCode.NoContent, (await account.DeleteAsync($"/sessions/{session}/")).Status);
        Assert.Equal(HttpStatusCode.OK, (await server.Http.GetAsync("/health/")).StatusCode);
    }

    [Fact]
    public async Task Ids_are_case_insensitive_and_returned_in_lower_case()
    {
        var account = await server.NewAccountAsync();
        var (session, participant) = (await account.CreateSessionAsync(), await account.CreateParticipantAsync());
        var (upperSession, upperParticipant) = (session.ToUpperInvariant(), participant.ToUpperInvariant());
        var path = $"/sessions/{upperSession}/participants/{upperParticipant}";

        await account.JoinAsync(upperSession, upperParticipant, $$"""{"sessionId":"{{upperSession}}"}""");

        (await account.GetAsync($"/sessions/{upperSession}")).Is(HttpStatusCode.OK, $$"""{"id":"{{session}}","participant_ids":["{{participant}}"]}""");
        Assert.Equal($"[\"{session}\"]", (await account.GetAsync($"/participants/{upperParticipant}")).Json.GetProperty("sessions").GetRawText());
        (await account.GetAsync($"{path}/subscriptions")).Is(HttpStatusCode.OK, $$"""{"sessionId":"{{session}}"}""");
        (await account.DeleteAsync(path)).Is(HttpStatusCode.NoContent);
        (await account.GetAsync($"/sessions/{session}/participants")).Is(HttpStatusCode.OK, "[]");
    }

    [Theory]
    [InlineData("""["audio","Video"]""", """["AUDIO","VIDEO"]""")]
    [InlineData("""["VIDEO","AUDIO"]""", """["VIDEO","AUDIO"]""")]
    [InlineData("""["VIDEO","video","VIDEO"]""", """["VIDEO"]""")]
    [InlineData("[]", "[]")]
    public async Task Permissions_are_case_insensitive_and_returned_in_upper_case_without_duplicates(string sent, string answered)
    {
        var account = await server.NewAccountAsync();
        var id = await account.CreateParticipantAsync($$"""{"publishPermissions":{{sent}}}""");

        var participant = (await account.GetAsync($"/participants/{id}")).Json;

        Assert.Equal(answered, participant.GetProperty("publishPermissions").GetRawText());
    }

    [Theory]
    [InlineData("v2", "V2")]
    [InlineData("V2", "V2")]
    [InlineData("v3", "V3")]
    [InlineData("V3", "V3")]
    public async Task Device_API_versions_are_case_insensitive_and_returned_in_upper_case(string sent, string answered)
    {
        var account = await server.NewAccountAsync();
        var id = await account.CreateParticipantAsync($$"""{"deviceApiVersion":"{{sent}}"}""");

        Assert.Equal(answered, (await account.GetAsync($"/participants/{id}")).Json.GetProperty("deviceApiVersion").GetString());
    }

    [Theory]
    [InlineData("")]
    [InlineData("undefined/callback")]
    [InlineData("/path")]
    [InlineData("example.com")]
    [InlineData("http://")]
    [InlineData("ftp://example.com")]
    [InlineData("javascript:alert(1)")]
    public async Task An_invalid_callback_URL_is_stored_as_sent(string url)
    {
        var account = await server.NewAccountAsync();
        var id = await account.CreateParticipantAsync($$"""{"callbackUrl":"{{url}}"}""");

        Assert.Equal(url, (await account.GetAsync($"/participants/{id}")).Json.GetProperty("callbackUrl").GetString());
    }

    [Theory]
    [InlineData("""{"sessionId":""}""")]
    [InlineData("""{"sessionId":"","participants":[]}""")]
    [InlineData("""{"sessionId":null}""")]
    public async Task An_empty_sessionId_in_subscriptions_counts_as_absent(string body)
    {
        var account = await server.NewAccountAsync();
        var (session, participant) = await account.CreateMemberAsync();
        var path = $"/sessions/{session}/participants/{participant}/subscriptions";
        await account.PutAsync(path, $$"""{"sessionId":"{{session}}"}""");

        (await account.PutAsync(path, body)).Is(HttpStatusCode.NoContent);

        (await account.GetAsync(path)).Is(HttpStatusCode.OK, "{}");
    }

    [Fact]
    public async Task A_session_lists_its_participants_in_the_order_in_which_they_joined()
    {
        var account = await server.NewAccountAsync();
        var session = await account.CreateSessionAsync();
        var ids = new string[7];
        for (var index = 0; index < ids.Length; index++)
            ids[index] = await account.CreateParticipantAsync();

        // Neither in the order of the ids nor in its reverse.
        Array.Sort(ids, StringComparer.Ordinal);
        foreach (var index in new[] { 3, 0, 5, 1, 6, 4, 2 })
            await account.JoinAsync(session, ids[index]);
        await account.DeleteAsync($"/sessions/{session}/participants/{ids[0]}");
        await account.JoinAsync(session, ids[0]);

        var expected = new[] { ids[3], ids[5], ids[1], ids[6], ids[4], ids[2], ids[0] };
        Assert.Equal(expected, (await account.GetAsync($"/sessions/{session}")).Json.GetProperty("participant_ids").EnumerateArray().Select(id => id.GetString()));
        Assert.Equal(expected, (await account.GetAsync($"/sessions/{session}/participants")).Json.EnumerateArray().Select(member => member.GetProperty("id").GetString()));
    }

    [Fact]
    public async Task An_empty_tag_becomes_the_id_of_a_participant_and_stays_empty_for_a_session()
    {
        var account = await server.NewAccountAsync();
        var id = await account.CreateParticipantAsync("""{"tag":""}""");
        var session = await account.CreateSessionAsync("""{"tag":""}""");

        Assert.Equal(id, (await account.GetAsync($"/participants/{id}")).Json.GetProperty("tag").GetString());
        (await account.GetAsync($"/sessions/{session}")).Is(HttpStatusCode.OK, $$"""{"id":"{{session}}","tag":"","participant_ids":[]}""");
    }

    [Theory]
    [InlineData("😀")]
    [InlineData("é")]
    [InlineData("a")]
    public async Task A_tag_may_have_fifty_characters_of_any_kind(string character)
    {
        var account = await server.NewAccountAsync();
        var tag = string.Concat(Enumerable.Repeat(character, 50));

        var session = await account.CreateSessionAsync($$"""{"tag":"{{tag}}"}""");

        Assert.Equal(tag, (await account.GetAsync($"/sessions/{session}")).Json.GetProperty("tag").GetString());
    }

    [Fact]
    public async Task The_largest_subscriptions_are_returned_as_sent()
    {
        var account = await server.NewAccountAsync();
        var (session, participant) = await account.CreateMemberAsync();
        var path = $"/sessions/{session}/participants/{participant}/subscriptions";
        var aliases = string.Join(',', Enumerable.Range(0, 5).Select(number => $"\"{number}{new string('a', 99)}\""));
        var participants = string.Join(',', Enumerable.Repeat($$"""{"participantId":"{{SomeId}}","streamAliases":[{{aliases}}]}""", 100));

        (await account.PutAsync(path, $$"""{"participants":[{{participants}}]}""")).Is(HttpStatusCode.NoContent);

        (await account.GetAsync(path)).Is(HttpStatusCode.OK, $$"""{"sessionId":"{{session}}","participants":[{{participants}}]}""");
    }
}
