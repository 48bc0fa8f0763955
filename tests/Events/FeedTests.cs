using System.Net;
using Sessions.Events;
using Sessions.Model;
using Sessions.Storage;

namespace Sessions.Tests.Events;

/// <summary>The feeds over HTTP, with the queue and the delivery over Azurite.</summary>
public sealed class FeedTests(FeedTests.DeliveringServer server) : IClassFixture<FeedTests.DeliveringServer>
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task The_events_of_a_session_can_be_read_after_it_is_deleted()
    {
        var account = await server.NewAccountAsync();
        var (session, participant) = await account.CreateMemberAsync();
        await account.DeleteAsync($"/sessions/{session}/participants/{participant}");
        await account.DeleteAsync($"/sessions/{session}");

        var answer = await account.GetAsync($"/sessions/{session}/events");

        Assert.Equal(["session.created", "participant.joined", "participant.left", "session.deleted"], TypesOf(answer));
        Assert.Equal($"evt_{Guid.Parse(session):N}_4", answer.Headers.GetValues("x-next-cursor").Single());
        Assert.Matches(@"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$", answer.Json[1].GetProperty("timestamp").GetString()!);
        Assert.Equal(participant, answer.Json[1].GetProperty("data").GetProperty("participantId").GetString());
        Assert.Equal("removed", answer.Json[2].GetProperty("data").GetProperty("reason").GetString());
        (await account.GetAsync($"/sessions/{Guid.NewGuid()}/events")).IsError(HttpStatusCode.NotFound, "There is no session with this id.");
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task The_pages_of_a_session_neither_skip_nor_repeat_an_event(int limit)
    {
        var account = await server.NewAccountAsync();
        var session = await account.CreateSessionAsync();
        foreach (var _ in Enumerable.Range(0, 3))
            await account.JoinAsync(session, await account.CreateParticipantAsync());
        await account.DeleteAsync($"/sessions/{session}");
        var all = IdsOf(await account.GetAsync($"/sessions/{session}/events"));

        List<string> paged = [];
        for (string? path = $"/sessions/{session}/events?limit={limit}"; path is not null;)
        {
            var page = await account.GetAsync(path);
            paged.AddRange(IdsOf(page));
            path = NextOf(page)?[account.Path.Length..];
        }

        Assert.Equal(8, all.Count);
        Assert.Equal(all, paged);
    }

    [Theory]
    [InlineData("limit=0", "limit: expected a number from 1 to 1000.")]
    [InlineData("limit=1001", "limit: expected a number from 1 to 1000.")]
    [InlineData("limit=", "limit: expected a number from 1 to 1000.")]
    [InlineData("limit=+1", "limit: expected a number from 1 to 1000.")]
    [InlineData("after=", "after: expected one cursor from a page of this feed.")]
    [InlineData("after=a&after=b", "after: expected one cursor from a page of this feed.")]
    public async Task An_invalid_query_parameter_returns_400_with_its_name(string query, string error)
    {
        var account = await server.NewAccountAsync();
        var session = await account.CreateSessionAsync();

        (await account.GetAsync($"/sessions/{session}/events?{query}")).IsError(HttpStatusCode.BadRequest, error);
        (await account.GetAsync($"/events?{query}")).IsError(HttpStatusCode.BadRequest, error);
    }

    [Theory]
    [InlineData("evt_x_1")]
    [InlineData("evt_00000000000000000000000000000000_1")]
    [InlineData("evt_SESSION_01")]
    [InlineData("evt_SESSION_0")]
    [InlineData("evt_SESSION_1_0")]
    [InlineData("evt_SESSION_1_1")]
    [InlineData("evt_SESSION_3")]
    [InlineData("evt_SESSION_99999999999999999999")]
    [InlineData("log_1")]
    public async Task A_cursor_of_another_feed_returns_400(string cursor)
    {
        var account = await server.NewAccountAsync();
        var session = await account.CreateSessionAsync();

        (await account.GetAsync($"/sessions/{session}/events?after={cursor.Replace("SESSION", $"{Guid.Parse(session):N}", StringComparison.Ordinal)}"))
            .IsError(HttpStatusCode.BadRequest, "after: expected the id of an event of this session.");
    }

    [Fact]
    public async Task The_feed_of_an_account_is_off_until_it_is_turned_on()
    {
        var account = await server.NewAccountAsync();

        Assert.Equal(HttpStatusCode.Conflict, (await account.GetAsync("/events")).Status);
        await server.Service<Feeds>().TurnOnAsync(AccountId.Parse(account.Id), TestContext.Current.CancellationToken);

        (await account.GetAsync("/events")).Is(HttpStatusCode.OK, "[]");
        foreach (var cursor in new[] { "log_1", "log_", "log_-1", "1", "log_9999999999999999", "evt_00000000000000000000000000000000_1" })
            (await account.GetAsync($"/events?after={cursor}")).IsError(HttpStatusCode.BadRequest, "after: expected a cursor of this feed, for example log_42.");
    }

    [Fact]
    public async Task Every_change_reaches_the_feed_of_the_account_through_the_queue()
    {
        var account = await NewFeedAsync();
        var (session, participant) = await account.CreateMemberAsync();
        await account.DeleteAsync($"/participants/{participant}");
        await account.DeleteAsync($"/sessions/{session}");

        var answer = await WaitForAsync(account, 5);

        Assert.Equal(["participant.joined", "participant.left", "session.deleted"], TypesOf(answer).Except(["session.created", "participant.created"]));
        Assert.True(TypesOf(answer).IndexOf("participant.created") < TypesOf(answer).IndexOf("participant.joined"));
        Assert.Equal("log_5", answer.Headers.GetValues("x-next-cursor").Single());
        var page = await account.GetAsync("/events?limit=2");
        Assert.Equal($"{account.Path}/events?after=log_2&limit=2", NextOf(page));
        Assert.Equal(IdsOf(answer).Skip(2).Take(2), IdsOf(await account.GetAsync("/events?after=log_2&limit=2")));
    }

    [Fact]
    public async Task Reading_the_events_of_an_expired_session_first_records_its_end()
    {
        var account = await server.NewAccountAsync();
        var (session, participant) = await account.CreateMemberAsync();
        server.Time.Advance(TimeSpan.FromHours(9));

        var answer = await account.GetAsync($"/sessions/{session}/events");

        Assert.Equal(["session.created", "participant.joined", "participant.left", "session.ended"], TypesOf(answer));
        Assert.Equal(participant, answer.Json[2].GetProperty("data").GetProperty("participantId").GetString());
    }

    [Fact]
    public async Task Processing_a_partition_records_expired_resources_and_the_sweep_deletes_old_log_entries()
    {
        var cancellation = TestContext.Current.CancellationToken;
        var account = await NewFeedAsync();
        var (session, _) = await account.CreateMemberAsync();
        server.Time.Advance(TimeSpan.FromHours(9));
        var id = AccountId.Parse(account.Id);
        await server.Service<PartitionLook>().RunAsync(id, $"{account.Id}:{session}", cancellation);

        Assert.Equal("session.ended", TypesOf(await WaitForAsync(account, 5))[^1]);
        server.Time.Advance(SessionsOptions.DefaultEventRetention + Sweeper.Grace + TimeSpan.FromSeconds(1));
        await server.Service<LogSweeper>().SweepAsync(cancellation);

        (await account.GetAsync("/events?after=log_1")).IsError(
            HttpStatusCode.Gone, "after: the events after this cursor are no longer kept. To continue, use after=log_5.");
        (await account.GetAsync("/events?after=log_5")).Is(HttpStatusCode.OK, "[]");
        server.Time.Advance(TimeSpan.FromDays(1));
        await server.Service<LogSweeper>().SweepAsync(cancellation);
        var rows = await server.Tables.Events.QueryAsync<Azure.Data.Tables.TableEntity>($"PartitionKey eq '{account.Id}'", cancellationToken: cancellation).ToListAsync(cancellation);
        Assert.Equal(["head"], rows.Select(row => row.RowKey));
    }

    private async Task<Account> NewFeedAsync()
    {
        var account = await server.NewAccountAsync();
        await server.Service<Feeds>().TurnOnAsync(AccountId.Parse(account.Id), TestContext.Current.CancellationToken);
        return account;
    }

    private static async Task<Answer> WaitForAsync(Account account, int events)
    {
        using var patience = new CancellationTokenSource(Patience);
        while (true)
        {
            var answer = await account.GetAsync("/events");
            if (answer.Status == HttpStatusCode.OK && answer.Json.GetArrayLength() >= events)
                return answer;

            await Task.Delay(50, patience.Token);
        }
    }

    private static List<string> TypesOf(Answer answer) => [.. answer.Json.EnumerateArray().Select(one => one.GetProperty("type").GetString()!)];

    private static List<string> IdsOf(Answer answer) => [.. answer.Json.EnumerateArray().Select(one => one.GetProperty("id").GetString()!)];

    private static string? NextOf(Answer answer)
        => answer.Headers.TryGetValues("Link", out var links) ? links.Single().Split('<', '>')[1] : null;

    public sealed class DeliveringServer(AzuriteFixture azurite) : Server(azurite)
    {
        protected override bool DeliversEvents => true;
    }
}
