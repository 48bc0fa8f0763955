using System.Net;
using Sessions.Model;
using Sessions.Storage;

namespace Sessions.Tests;

/// <summary>The feeds over HTTP, without the delivery, which fills the feed of an account.</summary>
public sealed class FeedRequestTests(Server server) : IClassFixture<Server>
{
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

        (await account.GetAsync("/events")).IsError(
            HttpStatusCode.Conflict,
            "The feed of this account is off. To turn it on, run sessions events on. Servers notice within a minute and log only later events.");
        await server.Service<Feeds>().TurnOnAsync(AccountId.Parse(account.Id), TestContext.Current.CancellationToken);

        (await account.GetAsync("/events")).Is(HttpStatusCode.OK, "[]");
        foreach (var cursor in new[] { "log_1", "log_", "log_-1", "1", "log_9999999999999999", "evt_00000000000000000000000000000000_1" })
            (await account.GetAsync($"/events?after={cursor}")).IsError(HttpStatusCode.BadRequest, "after: expected a cursor of this feed, for example log_42.");
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

    internal static List<string> TypesOf(Answer answer) => [.. answer.Json.EnumerateArray().Select(one => one.GetProperty("type").GetString()!)];

    internal static List<string> IdsOf(Answer answer) => [.. answer.Json.EnumerateArray().Select(one => one.GetProperty("id").GetString()!)];

    internal static string? NextOf(Answer answer)
        => answer.Headers.TryGetValues("Link", out var links) ? links.Single().Split('<', '>')[1] : null;
}
