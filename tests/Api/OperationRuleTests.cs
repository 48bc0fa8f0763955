using System.Net;

namespace Sessions.Tests;

/// <summary>The semantics of the operations, one rule per test.</summary>
public sealed class OperationRuleTests(Server server) : IClassFixture<Server>
{
    private const string NoSession = "There is no session with this id.";
    private const string NoParticipant = "There is no participant with this id.";
    private const string NotAMember = "There is no participant with this id in this session.";
    private const string InAnotherSession = "The participant is in another session. Remove it from that session first.";
    private const string SessionFull = "The session is full.";

    [Fact]
    public async Task Every_POST_creates_a_new_resource_and_tags_need_not_be_unique()
    {
        var account = await server.NewAccountAsync();

        var sessions = new[] { await account.CreateSessionAsync("""{"tag":"a"}"""), await account.CreateSessionAsync("""{"tag":"a"}""") };
        var participants = new[] { await account.CreateParticipantAsync("""{"tag":"a"}"""), await account.CreateParticipantAsync("""{"tag":"a"}""") };

        Assert.Equal(4, sessions.Concat(participants).Distinct().Count());
        Assert.Equal(4, (await account.RowsAsync()).Count);
    }

    [Fact]
    public async Task Adding_a_participant_to_a_second_session_is_rejected()
    {
        var account = await server.NewAccountAsync();
        var (first, participant) = await account.CreateMemberAsync();
        var second = await account.CreateSessionAsync();

        var answer = await account.ChangesNothingAsync(() => account.PutAsync($"/sessions/{second}/participants/{participant}"));

        answer.IsError(HttpStatusCode.Conflict, InAnotherSession);
        Assert.Equal($"[\"{first}\"]", (await account.GetAsync($"/participants/{participant}")).Json.GetProperty("sessions").GetRawText());
    }

    [Fact]
    public async Task Updating_subscriptions_in_a_second_session_is_rejected()
    {
        var account = await server.NewAccountAsync();
        var (_, participant) = await account.CreateMemberAsync();
        var second = await account.CreateSessionAsync();

        var answer = await account.ChangesNothingAsync(
            () => account.PutAsync($"/sessions/{second}/participants/{participant}/subscriptions", "{}"));

        answer.IsError(HttpStatusCode.Conflict, InAnotherSession);
    }

    [Fact]
    public async Task The_21st_participant_is_rejected_until_another_leaves()
    {
        var account = await server.NewAccountAsync();
        var session = await account.CreateSessionAsync();
        var participants = await Task.WhenAll(Enumerable.Range(0, 21).Select(_ => account.CreateParticipantAsync()));
        foreach (var participant in participants[..20])
            await account.JoinAsync(session, participant);

        var answer = await account.ChangesNothingAsync(() => account.PutAsync($"/sessions/{session}/participants/{participants[20]}"));
        answer.IsError(HttpStatusCode.Conflict, SessionFull);

        await account.DeleteAsync($"/sessions/{session}/participants/{participants[3]}");
        await account.JoinAsync(session, participants[20]);
        Assert.Equal(20, (await account.GetAsync($"/sessions/{session}/participants")).Json.GetArrayLength());
    }

    [Fact]
    public async Task Adding_a_member_again_without_a_body_keeps_its_subscriptions()
    {
        var account = await server.NewAccountAsync();
        var session = await account.CreateSessionAsync();
        var participant = await account.CreateParticipantAsync();
        await account.JoinAsync(session, participant, $$"""{"sessionId":"{{session}}"}""");

        var answer = await account.ChangesNothingAsync(() => account.PutAsync($"/sessions/{session}/participants/{participant}"));

        answer.Is(HttpStatusCode.NoContent);
        (await account.GetAsync($"/sessions/{session}/participants/{participant}/subscriptions"))
            .Is(HttpStatusCode.OK, $$"""{"sessionId":"{{session}}"}""");
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("[]")]
    public async Task Adding_a_member_again_with_a_body_replaces_its_subscriptions(string body)
    {
        var account = await server.NewAccountAsync();
        var session = await account.CreateSessionAsync();
        var participant = await account.CreateParticipantAsync();
        await account.JoinAsync(session, participant, $$"""{"sessionId":"{{session}}"}""");

        await account.JoinAsync(session, participant, body);

        (await account.GetAsync($"/sessions/{session}/participants/{participant}/subscriptions")).Is(HttpStatusCode.OK, "{}");
        Assert.Equal(1, (await account.GetAsync($"/sessions/{session}/participants")).Json.GetArrayLength());
    }

    [Fact]
    public async Task Participants_take_precedence_over_sessionId_in_subscriptions()
    {
        var account = await server.NewAccountAsync();
        var (session, participant) = await account.CreateMemberAsync();
        var (other, elsewhere) = await account.CreateMemberAsync();
        var path = $"/sessions/{session}/participants/{participant}/subscriptions";

        (await account.PutAsync(path, $$"""{"sessionId":"{{other}}","participants":[{"participantId":"{{elsewhere}}"}]}"""))
            .Is(HttpStatusCode.NoContent);

        (await account.GetAsync(path)).Is(
            HttpStatusCode.OK, $$"""{"sessionId":"{{session}}","participants":[{"participantId":"{{elsewhere}}"}]}""");
    }

    [Fact]
    public async Task Subscriptions_may_name_a_participant_that_has_not_joined_yet()
    {
        var account = await server.NewAccountAsync();
        var (session, participant) = await account.CreateMemberAsync();
        var newcomer = await account.CreateParticipantAsync();
        var path = $"/sessions/{session}/participants/{participant}/subscriptions";

        (await account.PutAsync(path, $$"""{"participants":[{"participantId":"{{newcomer.ToUpperInvariant()}}"}]}""")).Is(HttpStatusCode.NoContent);

        (await account.GetAsync(path)).Is(
            HttpStatusCode.OK, $$"""{"sessionId":"{{session}}","participants":[{"participantId":"{{newcomer.ToUpperInvariant()}}"}]}""");
    }

    [Fact]
    public async Task An_update_replaces_the_subscriptions_and_an_update_without_a_body_clears_them()
    {
        var account = await server.NewAccountAsync();
        var (session, participant) = await account.CreateMemberAsync();
        var path = $"/sessions/{session}/participants/{participant}/subscriptions";
        await account.PutAsync(path, $$"""{"participants":[{"participantId":"{{participant}}"}]}""");

        await account.PutAsync(path, $$"""{"sessionId":"{{session}}"}""");
        (await account.GetAsync(path)).Is(HttpStatusCode.OK, $$"""{"sessionId":"{{session}}"}""");

        await account.PutAsync(path);
        (await account.GetAsync(path)).Is(HttpStatusCode.OK, "{}");
    }

    [Fact]
    public async Task Updating_the_subscriptions_of_a_participant_in_no_session_adds_it_to_the_session()
    {
        var account = await server.NewAccountAsync();
        var (session, participant) = (await account.CreateSessionAsync(), await account.CreateParticipantAsync());
        var path = $"/sessions/{session}/participants/{participant}/subscriptions";

        (await account.PutAsync(path, $$"""{"sessionId":"{{session}}"}""")).Is(HttpStatusCode.NoContent);

        (await account.GetAsync(path)).Is(HttpStatusCode.OK, $$"""{"sessionId":"{{session}}"}""");
        Assert.Equal($"[\"{session}\"]", (await account.GetAsync($"/participants/{participant}")).Json.GetProperty("sessions").GetRawText());
    }

    [Fact]
    public async Task A_participant_moves_by_leaving_and_joining()
    {
        var account = await server.NewAccountAsync();
        var (first, participant) = await account.CreateMemberAsync();
        var second = await account.CreateSessionAsync();

        await account.DeleteAsync($"/sessions/{first}/participants/{participant}");
        await account.JoinAsync(second, participant);

        (await account.GetAsync($"/sessions/{first}/participants")).Is(HttpStatusCode.OK, "[]");
        Assert.Equal($"[\"{second}\"]", (await account.GetAsync($"/participants/{participant}")).Json.GetProperty("sessions").GetRawText());
    }

    [Fact]
    public async Task After_a_session_is_deleted_its_members_can_join_another()
    {
        var account = await server.NewAccountAsync();
        var (first, participant) = await account.CreateMemberAsync();
        var second = await account.CreateSessionAsync();

        await account.DeleteAsync($"/sessions/{first}");

        Assert.Equal("[]", (await account.GetAsync($"/participants/{participant}")).Json.GetProperty("sessions").GetRawText());
        await account.JoinAsync(second, participant);
    }

    [Fact]
    public async Task The_second_of_two_identical_DELETEs_returns_404()
    {
        var account = await server.NewAccountAsync();
        var (session, participant) = await account.CreateMemberAsync();
        string[] paths = [$"/sessions/{session}/participants/{participant}", $"/participants/{participant}", $"/sessions/{session}"];
        string[] errors = [NotAMember, NoParticipant, NoSession];
        foreach (var (path, error) in paths.Zip(errors))
        {
            (await account.DeleteAsync(path)).Is(HttpStatusCode.NoContent);

            (await account.ChangesNothingAsync(() => account.DeleteAsync(path))).IsError(HttpStatusCode.NotFound, error);
        }
    }

    [Fact]
    public async Task Operations_on_a_deleted_session_return_404()
    {
        var account = await server.NewAccountAsync();
        var (session, participant) = await account.CreateMemberAsync();
        await account.DeleteAsync($"/sessions/{session}");

        await NothingIsFoundAsync(account, session, participant, NoSession);
    }

    [Fact]
    public async Task Operations_on_a_deleted_participant_return_404()
    {
        var account = await server.NewAccountAsync();
        var (session, participant) = await account.CreateMemberAsync();
        await account.DeleteAsync($"/participants/{participant}");

        (await account.GetAsync($"/participants/{participant}")).IsError(HttpStatusCode.NotFound, NoParticipant);
        var path = $"/sessions/{session}/participants/{participant}";
        (await account.ChangesNothingAsync(() => account.PutAsync(path))).IsError(HttpStatusCode.NotFound, NoParticipant);
        (await account.ChangesNothingAsync(() => account.DeleteAsync(path))).IsError(HttpStatusCode.NotFound, NoParticipant);
        (await account.GetAsync($"{path}/subscriptions")).IsError(HttpStatusCode.NotFound, NotAMember);
        (await account.ChangesNothingAsync(() => account.PutAsync($"{path}/subscriptions"))).IsError(HttpStatusCode.NotFound, NoParticipant);
    }

    [Fact]
    public async Task A_participant_that_is_not_a_member_has_no_subscriptions_in_the_session()
    {
        var account = await server.NewAccountAsync();
        var (session, participant) = (await account.CreateSessionAsync(), await account.CreateParticipantAsync());
        var path = $"/sessions/{session}/participants/{participant}";

        (await account.GetAsync($"{path}/subscriptions")).IsError(HttpStatusCode.NotFound, NotAMember);
        (await account.ChangesNothingAsync(() => account.DeleteAsync(path))).IsError(HttpStatusCode.NotFound, NotAMember);
    }

    [Fact]
    public async Task Resources_of_another_account_are_not_found()
    {
        var (mine, theirs) = (await server.NewAccountAsync(), await server.NewAccountAsync());
        var (session, participant) = await theirs.CreateMemberAsync();

        var answer = await theirs.ChangesNothingAsync(async () =>
        {
            await NothingIsFoundAsync(mine, session, participant, NoSession);
            return await mine.DeleteAsync($"/participants/{participant}");
        });

        answer.IsError(HttpStatusCode.NotFound, NoParticipant);
        var own = await mine.CreateSessionAsync();
        (await mine.PutAsync($"/sessions/{own}/participants/{participant}")).IsError(HttpStatusCode.NotFound, NoParticipant);
    }

    [Fact]
    public async Task Of_30_concurrent_joins_20_succeed()
    {
        var account = await server.NewAccountAsync();
        var session = await account.CreateSessionAsync();
        var participants = await Task.WhenAll(Enumerable.Range(0, 30).Select(_ => account.CreateParticipantAsync()));

        var answers = await Task.WhenAll(participants.Select(participant => account.PutAsync($"/sessions/{session}/participants/{participant}")));

        Assert.Equal(20, answers.Count(answer => answer.Status == HttpStatusCode.NoContent));
        Assert.All(answers.Where(answer => answer.Status != HttpStatusCode.NoContent), answer => answer.IsError(HttpStatusCode.Conflict, SessionFull));
        Assert.Equal(20, (await account.GetAsync($"/sessions/{session}/participants")).Json.GetArrayLength());
    }

    [Fact]
    public async Task A_participant_that_joins_several_sessions_concurrently_ends_up_in_exactly_one()
    {
        var account = await server.NewAccountAsync();
        var participant = await account.CreateParticipantAsync();
        var sessions = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => account.CreateSessionAsync()));

        var answers = await Task.WhenAll(sessions.Select(session => account.PutAsync($"/sessions/{session}/participants/{participant}")));

        Assert.Single(answers, answer => answer.Status == HttpStatusCode.NoContent);
        Assert.Equal(7, answers.Count(answer => answer.Status == HttpStatusCode.Conflict));
        var lists = await Task.WhenAll(sessions.Select(session => account.GetAsync($"/sessions/{session}/participants")));
        Assert.Equal(1, lists.Sum(list => list.Json.GetArrayLength()));
    }

    [Fact]
    public async Task Identical_concurrent_joins_all_succeed()
    {
        var account = await server.NewAccountAsync();
        var (session, participant) = (await account.CreateSessionAsync(), await account.CreateParticipantAsync());

        var answers = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => account.PutAsync($"/sessions/{session}/participants/{participant}")));

        Assert.All(answers, answer => answer.Is(HttpStatusCode.NoContent));
        Assert.Equal(1, (await account.GetAsync($"/sessions/{session}/participants")).Json.GetArrayLength());
    }

    private static async Task NothingIsFoundAsync(Account account, string session, string participant, string error)
    {
        var path = $"/sessions/{session}";
        (await account.GetAsync(path)).IsError(HttpStatusCode.NotFound, error);
        (await account.GetAsync($"{path}/participants")).IsError(HttpStatusCode.NotFound, error);
        (await account.ChangesNothingAsync(() => account.PutAsync($"{path}/participants/{participant}"))).IsError(HttpStatusCode.NotFound, error);
        (await account.ChangesNothingAsync(() => account.DeleteAsync($"{path}/participants/{participant}"))).IsError(HttpStatusCode.NotFound, error);
        (await account.GetAsync($"{path}/participants/{participant}/subscriptions")).IsError(HttpStatusCode.NotFound, NotAMember);
        (await account.ChangesNothingAsync(() => account.PutAsync($"{path}/participants/{participant}/subscriptions"))).IsError(HttpStatusCode.NotFound, error);
        (await account.ChangesNothingAsync(() => account.DeleteAsync(path))).IsError(HttpStatusCode.NotFound, error);
    }
}
