using System.Net;

namespace Sessions.Tests;

/// <summary>
/// The success of each measured operation, with the status and the whole body. It runs against Sessions and against the peer of the
/// benchmark. An operation that no benchmark measures is tested elsewhere, so a new operation needs no JavaScript.
/// </summary>
public abstract class MeasuredOperationSuite(ApiServer server)
{
    [Fact]
    public async Task CreateSession_returns_the_session()
    {
        var account = await server.NewAccountAsync();

        var answer = await account.PostAsync("/sessions", """{"tag":"standup"}""");

        var id = answer.Json.GetProperty("id").GetString();
        Assert.Matches("^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$", id);
        answer.Is(HttpStatusCode.OK, $$"""{"id":"{{id}}","tag":"standup","participant_ids":[]}""");
    }

    [Fact]
    public async Task GetSession_returns_the_response_of_createSession()
    {
        var account = await server.NewAccountAsync();
        var created = await account.PostAsync("/sessions", """{"tag":"été ☎ \"1\" 😀"}""");

        var answer = await account.GetAsync($"/sessions/{created.Json.GetProperty("id")}");

        answer.Is(HttpStatusCode.OK, created.Body);
        Assert.Equal("été ☎ \"1\" 😀", answer.Json.GetProperty("tag").GetString());
    }

    [Fact]
    public async Task DeleteSession_returns_204_and_deletes_the_session()
    {
        var account = await server.NewAccountAsync();
        var session = await account.CreateSessionAsync();

        (await account.DeleteAsync($"/sessions/{session}")).Is(HttpStatusCode.NoContent);

        (await account.GetAsync($"/sessions/{session}")).IsError(HttpStatusCode.NotFound, "There is no session with this id.");
        Assert.Empty(await account.RowsAsync());
    }

    [Fact]
    public async Task CreateParticipant_returns_the_participant_and_its_token()
    {
        var account = await server.NewAccountAsync();

        var answer = await account.PostAsync(
            "/participants",
            """{"callbackUrl":"https://example.com/callback?a=1&b=2","publishPermissions":["AUDIO","VIDEO"],"tag":"ann","deviceApiVersion":"V2"}""");

        var id = answer.Json.GetProperty("participant").GetProperty("id").GetString();
        var token = answer.Json.GetProperty("token").GetString();
        answer.Is(
            HttpStatusCode.OK,
            $$"""{"participant":{"id":"{{id}}","callbackUrl":"https://example.com/callback?a=1&b=2","publishPermissions":["AUDIO","VIDEO"],"sessions":[],"subscriptions":{},"tag":"ann","deviceApiVersion":"V2"},"token":"{{token}}"}""");
    }

    [Fact]
    public async Task GetParticipant_returns_a_participant_in_no_session()
    {
        var account = await server.NewAccountAsync();
        var id = await account.CreateParticipantAsync();

        var answer = await account.GetAsync($"/participants/{id}");

        answer.Is(HttpStatusCode.OK, ParticipantJson(id));
    }

    [Fact]
    public async Task GetParticipant_returns_the_session_and_the_subscriptions_of_a_member()
    {
        var account = await server.NewAccountAsync();
        var session = await account.CreateSessionAsync();
        var id = await account.CreateParticipantAsync();
        await account.JoinAsync(session, id, $$"""{"sessionId":"{{session}}"}""");

        var answer = await account.GetAsync($"/participants/{id}");

        answer.Is(HttpStatusCode.OK, ParticipantJson(id, session, $$"""{"sessionId":"{{session}}"}"""));
    }

    [Fact]
    public async Task DeleteParticipant_returns_204_and_deletes_the_participant()
    {
        var account = await server.NewAccountAsync();
        var (session, id) = await account.CreateMemberAsync();

        (await account.DeleteAsync($"/participants/{id}")).Is(HttpStatusCode.NoContent);

        (await account.GetAsync($"/participants/{id}")).IsError(HttpStatusCode.NotFound, "There is no participant with this id.");
        (await account.GetAsync($"/sessions/{session}/participants")).Is(HttpStatusCode.OK, "[]");
    }

    [Fact]
    public async Task ListSessionParticipants_returns_an_empty_array_for_an_empty_session()
    {
        var account = await server.NewAccountAsync();
        var session = await account.CreateSessionAsync();

        (await account.GetAsync($"/sessions/{session}/participants")).Is(HttpStatusCode.OK, "[]");
    }

    [Fact]
    public async Task ListSessionParticipants_returns_the_participants_in_the_order_in_which_they_joined()
    {
        var account = await server.NewAccountAsync();
        var session = await account.CreateSessionAsync();
        var first = await account.CreateParticipantAsync("""{"publishPermissions":["VIDEO"]}""");
        var second = await account.CreateParticipantAsync("""{"tag":"bob"}""");
        await account.JoinAsync(session, first);
        await server.WaitAMomentAsync();
        await account.JoinAsync(session, second, $$"""{"participants":[{"participantId":"{{first}}"}]}""");

        var answer = await account.GetAsync($"/sessions/{session}/participants");

        var subscriptions = $$"""{"sessionId":"{{session}}","participants":[{"participantId":"{{first}}"}]}""";
        answer.Is(
            HttpStatusCode.OK,
            $"[{ParticipantJson(first, session, permissions: "\"VIDEO\"")},{ParticipantJson(second, session, subscriptions, "bob")}]");
    }

    [Fact]
    public async Task AddParticipantToSession_returns_204()
    {
        var account = await server.NewAccountAsync();
        var (session, participant) = (await account.CreateSessionAsync(), await account.CreateParticipantAsync());

        (await account.PutAsync($"/sessions/{session}/participants/{participant}")).Is(HttpStatusCode.NoContent);
    }

    [Fact]
    public async Task RemoveParticipantFromSession_returns_204_and_deletes_neither_resource()
    {
        var account = await server.NewAccountAsync();
        var (session, participant) = await account.CreateMemberAsync();

        (await account.DeleteAsync($"/sessions/{session}/participants/{participant}")).Is(HttpStatusCode.NoContent);

        (await account.GetAsync($"/sessions/{session}/participants")).Is(HttpStatusCode.OK, "[]");
        (await account.GetAsync($"/participants/{participant}")).Is(HttpStatusCode.OK, ParticipantJson(participant));
    }

    [Fact]
    public async Task GetParticipantSubscriptions_returns_an_empty_object_if_there_are_none()
    {
        var account = await server.NewAccountAsync();
        var (session, participant) = await account.CreateMemberAsync();

        (await account.GetAsync($"/sessions/{session}/participants/{participant}/subscriptions")).Is(HttpStatusCode.OK, "{}");
    }

    [Fact]
    public async Task UpdateParticipantSubscriptions_returns_204_and_stores_the_subscriptions()
    {
        var account = await server.NewAccountAsync();
        var (session, participant) = await account.CreateMemberAsync();
        var other = await account.CreateParticipantAsync();
        var path = $"/sessions/{session}/participants/{participant}/subscriptions";
        var participants = $$"""[{"participantId":"{{other}}","streamAliases":["camera","écran 😀"]},{"participantId":"{{participant}}","streamAliases":[]}]""";

        (await account.PutAsync(path, $$"""{"participants":{{participants}}}""")).Is(HttpStatusCode.NoContent);

        (await account.GetAsync(path)).Is(HttpStatusCode.OK, $$"""{"sessionId":"{{session}}","participants":{{participants}}}""");
    }

    [Fact]
    public async Task Health_needs_no_credentials()
    {
        var response = await server.Http.GetAsync("/health");

        Assert.Equal((HttpStatusCode.OK, """{"status":"healthy"}"""), (response.StatusCode, await response.Content.ReadAsStringAsync()));
    }

    [Fact]
    public async Task Health_supports_HEAD_without_a_body()
    {
        using var request = new HttpRequestMessage(HttpMethod.Head, "/health");
        using var response = await server.Http.SendAsync(request);

        Assert.Equal((HttpStatusCode.OK, ""), (response.StatusCode, await response.Content.ReadAsStringAsync()));
    }

    private static string ParticipantJson(
        string id, string? session = null, string subscriptions = "{}", string? tag = null, string permissions = "")
    {
        var sessions = session is null ? "" : $"\"{session}\"";
        return $$"""{"id":"{{id}}","publishPermissions":[{{permissions}}],"sessions":[{{sessions}}],"subscriptions":{{subscriptions}},"tag":"{{tag ?? id}}","deviceApiVersion":"V3"}""";
    }
}
