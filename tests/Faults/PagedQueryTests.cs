using System.Net;
using Azure.Core;
using Azure.Core.Pipeline;
using Azure.Data.Tables;
using Sessions.Storage;

namespace Sessions.Tests;

/// <summary>Table Storage may cut the rows of a query into pages anywhere. Here each page has one row.</summary>
public sealed class PagedQueryTests(PagedQueryTests.PagedServer server) : IClassFixture<PagedQueryTests.PagedServer>
{
    private const int Places = 2;

    [Fact]
    public async Task A_list_is_complete_and_a_full_session_accepts_no_more_participants()
    {
        var account = await server.NewAccountAsync();
        var (session, first) = await account.CreateMemberAsync();
        var second = await account.CreateParticipantAsync();
        await account.JoinAsync(session, second);
        var third = await account.CreateParticipantAsync();

        var refused = await account.ChangesNothingAsync(() => account.PutAsync($"/sessions/{session}/participants/{third}"));

        refused.IsError(HttpStatusCode.Conflict, "The session is full.");
        Assert.Equal([first, second], await ListAsync(account, session));
    }

    [Fact]
    public async Task A_participant_is_in_one_session_and_leaves_it()
    {
        var account = await server.NewAccountAsync();
        var (session, participant) = await account.CreateMemberAsync();
        var other = await account.CreateSessionAsync();

        Assert.Equal(HttpStatusCode.Conflict, (await account.PutAsync($"/sessions/{other}/participants/{participant}")).Status);
        (await account.DeleteAsync($"/sessions/{session}/participants/{participant}")).Is(HttpStatusCode.NoContent);
        await account.JoinAsync(other, participant);
        (await account.DeleteAsync($"/participants/{participant}")).Is(HttpStatusCode.NoContent);

        Assert.Empty(await ListAsync(account, other));
    }

    [Fact]
    public async Task A_list_during_joins_and_leaves_never_exceeds_the_participant_limit()
    {
        var account = await server.NewAccountAsync();
        var session = await account.CreateSessionAsync();
        var participants = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => account.CreateParticipantAsync()));
        using var end = new CancellationTokenSource();
        var changing = Task.WhenAll(participants.Select(async participant =>
        {
            while (!end.IsCancellationRequested)
            {
                await account.PutAsync($"/sessions/{session}/participants/{participant}");
                await account.DeleteAsync($"/sessions/{session}/participants/{participant}");
            }
        }));

        for (var list = 0; list < 20; list++)
        {
            var answer = await account.GetAsync($"/sessions/{session}/participants");
            Assert.True(
                answer.Status == HttpStatusCode.ServiceUnavailable || answer.Json.GetArrayLength() <= Places, $"{answer.Status} {answer.Body}");
        }

        await end.CancelAsync();
        await changing;
    }

    [Fact]
    public async Task A_sweep_deletes_every_row()
    {
        var account = await server.NewAccountAsync();
        var (session, _) = await account.CreateMemberAsync();
        await account.JoinAsync(session, await account.CreateParticipantAsync());
        server.Time.Advance(TimeSpan.FromHours(11));

        await new Sweeper(server.Tables, SessionsOptions.DefaultEventRetention, server.Time, EventQueue.None).SweepAsync(1_000, CancellationToken.None);

        Assert.Empty(await account.RowsAsync());
    }

    private static async Task<IEnumerable<string?>> ListAsync(Account account, string session)
        => (await account.GetAsync($"/sessions/{session}/participants")).Json.EnumerateArray().Select(member => member.GetProperty("id").GetString());

    public sealed class PagedServer(AzuriteFixture azurite) : Server(azurite)
    {
        protected override IEnumerable<string> Settings => [$"--Sessions:ParticipantsPerSession={Places}"];

        protected override void Configure(TableClientOptions options) => options.AddPolicy(new OneRowAPage(), HttpPipelinePosition.PerCall);
    }

    private sealed class OneRowAPage : HttpPipelineSynchronousPolicy
    {
        public override void OnSendingRequest(HttpMessage message)
        {
            var uri = message.Request.Uri;
            if (uri.Path.EndsWith("()", StringComparison.Ordinal) && !uri.Query.Contains("top=", StringComparison.Ordinal))
                uri.AppendQuery("$top", "1", escapeValue: false);
        }
    }
}
