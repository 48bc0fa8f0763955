using System.Net;
using Azure.Core;

namespace Sessions.Tests;

/// <summary>Sessions and participants end immediately when they expire, although their rows still exist.</summary>
public sealed class LifetimeTests(LifetimeTests.ShortSessions server) : IClassFixture<LifetimeTests.ShortSessions>
{
    private const string NoSession = "There is no session with this id.";
    private const string NoParticipant = "There is no participant with this id.";
    private const string NotAMember = "There is no participant with this id in this session.";

    private static readonly TimeSpan SessionLifetime = TimeSpan.FromHours(2);
    private static readonly TimeSpan ParticipantLifetime = TimeSpan.FromHours(3);

    [Fact]
    public async Task A_session_exists_until_it_expires()
    {
        var account = await server.NewAccountAsync();
        var (session, _) = await account.CreateMemberAsync();

        server.Time.Advance(SessionLifetime - TimeSpan.FromMinutes(1));

        Assert.Equal(HttpStatusCode.OK, (await account.GetAsync($"/sessions/{session}")).Status);
        Assert.Equal(1, (await account.GetAsync($"/sessions/{session}/participants")).Json.GetArrayLength());
    }

    [Fact]
    public async Task An_expired_session_is_not_found_and_its_participants_can_join_another()
    {
        var account = await server.NewAccountAsync();
        var (session, participant) = await account.CreateMemberAsync();
        server.Time.Advance(SessionLifetime);
        var path = $"/sessions/{session}";

        (await account.GetAsync(path)).IsError(HttpStatusCode.NotFound, NoSession);
        (await account.GetAsync($"{path}/participants")).IsError(HttpStatusCode.NotFound, NoSession);
        (await account.GetAsync($"{path}/participants/{participant}/subscriptions")).IsError(HttpStatusCode.NotFound, NotAMember);
        (await account.ChangesNothingAsync(() => account.PutAsync($"{path}/participants/{participant}"))).IsError(HttpStatusCode.NotFound, NoSession);
        (await account.ChangesNothingAsync(() => account.DeleteAsync($"{path}/participants/{participant}"))).IsError(HttpStatusCode.NotFound, NoSession);
        (await account.ChangesNothingAsync(() => account.DeleteAsync(path))).IsError(HttpStatusCode.NotFound, NoSession);
        (await account.PutAsync($"{path}/participants/{participant}/subscriptions")).IsError(HttpStatusCode.NotFound, NoSession);

        Assert.Equal("[]", (await account.GetAsync($"/participants/{participant}")).Json.GetProperty("sessions").GetRawText());
        await account.JoinAsync(await account.CreateSessionAsync(), participant);
    }

    [Fact]
    public async Task An_expired_participant_is_not_found()
    {
        var account = await server.NewAccountAsync();
        var participant = await account.CreateParticipantAsync();
        server.Time.Advance(ParticipantLifetime - TimeSpan.FromMinutes(1));
        var session = await account.CreateSessionAsync();
        await account.JoinAsync(session, participant);
        server.Time.Advance(TimeSpan.FromMinutes(1));
        var path = $"/sessions/{session}/participants/{participant}";

        (await account.GetAsync($"/participants/{participant}")).IsError(HttpStatusCode.NotFound, NoParticipant);
        (await account.ChangesNothingAsync(() => account.DeleteAsync($"/participants/{participant}"))).IsError(HttpStatusCode.NotFound, NoParticipant);
        (await account.ChangesNothingAsync(() => account.PutAsync(path))).IsError(HttpStatusCode.NotFound, NoParticipant);
        (await account.ChangesNothingAsync(() => account.DeleteAsync(path))).IsError(HttpStatusCode.NotFound, NoParticipant);
        (await account.GetAsync($"{path}/subscriptions")).IsError(HttpStatusCode.NotFound, NotAMember);
        (await account.PutAsync($"{path}/subscriptions")).IsError(HttpStatusCode.NotFound, NoParticipant);
        (await account.GetAsync($"/sessions/{session}/participants")).Is(HttpStatusCode.OK, "[]");
    }

    [Fact]
    public async Task Expired_participants_do_not_count_as_members_and_the_next_joins_remove_them()
    {
        var account = await server.NewAccountAsync();
        var ended = new[] { await account.CreateParticipantAsync(), await account.CreateParticipantAsync() };
        server.Time.Advance(ParticipantLifetime - TimeSpan.FromMinutes(1));
        var session = await account.CreateSessionAsync();
        foreach (var participant in ended)
            await account.JoinAsync(session, participant);
        server.Time.Advance(TimeSpan.FromMinutes(1));

        await account.JoinAsync(session, await account.CreateParticipantAsync());
        await account.JoinAsync(session, await account.CreateParticipantAsync());

        Assert.Equal(2, (await account.GetAsync($"/sessions/{session}/participants")).Json.GetArrayLength());
        Assert.Equal(2, (await account.RowsAsync()).Count(row => row.Contains("RowKey=member:", StringComparison.Ordinal)));
        (await account.PutAsync($"/sessions/{session}/participants/{await account.CreateParticipantAsync()}"))
            .IsError(HttpStatusCode.Conflict, "The session is full.");
    }

    [Fact]
    public async Task A_participant_that_expires_during_the_request_does_not_join()
    {
        var account = await server.NewAccountAsync();
        var participant = await account.CreateParticipantAsync();
        server.Time.Advance(ParticipantLifetime - TimeSpan.FromMinutes(1));
        var session = await account.CreateSessionAsync();
        await account.JoinAsync(session, participant);
        var reads = 0;
        server.Faults.Choose = request =>
        {
            if (request.Method == RequestMethod.Get && request.Uri.Path.Contains("participants(", StringComparison.Ordinal) && reads++ == 0)
                server.Time.Advance(TimeSpan.FromMinutes(1));
            return StorageFault.None;
        };

        var answer = await account.PutAsync($"/sessions/{session}/participants/{participant}");

        server.Faults.Choose = _ => StorageFault.None;
        answer.IsError(HttpStatusCode.NotFound, NoParticipant);
        Assert.Equal(1, reads);
        (await account.GetAsync($"/sessions/{session}/participants")).Is(HttpStatusCode.OK, "[]");
    }

    [Fact]
    public async Task A_session_lists_only_unexpired_participants_and_its_ETag_changes_when_one_expires()
    {
        var account = await server.NewAccountAsync();
        var ended = await account.CreateParticipantAsync();
        server.Time.Advance(ParticipantLifetime - TimeSpan.FromMinutes(1));
        var (session, living) = await account.CreateMemberAsync();
        await account.JoinAsync(session, ended);
        var before = await account.GetAsync($"/sessions/{session}");
        before.Is(HttpStatusCode.OK, $$"""{"id":"{{session}}","participant_ids":["{{living}}","{{ended}}"]}""");

        server.Time.Advance(TimeSpan.FromMinutes(1));

        var after = await account.SendAsync(HttpMethod.Get, $"/sessions/{session}", headers: ("If-None-Match", $"{before.Headers.ETag}"));
        after.Is(HttpStatusCode.OK, $$"""{"id":"{{session}}","participant_ids":["{{living}}"]}""");
    }

    public sealed class ShortSessions(AzuriteFixture azurite) : Server(azurite)
    {
        protected override IEnumerable<string> Settings =>
        [
            $"--Sessions:SessionLifetime={SessionLifetime}",
            $"--Sessions:ParticipantLifetime={ParticipantLifetime}",
            "--Sessions:ParticipantsPerSession=2",
        ];
    }
}
