using System.Net;

namespace Sessions.Tests;

/// <summary>How many storage calls of each operation wait for one another, which is what it costs in time.</summary>
public sealed class RoundTripTests(Server server) : IClassFixture<Server>
{
    [Fact]
    public async Task CreateSession_takes_1()
    {
        var account = await server.NewWarmAccountAsync();
        await CountsAsync(1, () => account.PostAsync("/sessions"));
    }

    [Fact]
    public async Task GetSession_takes_1()
    {
        var account = await server.NewWarmAccountAsync();
        var session = await account.CreateSessionAsync();
        await CountsAsync(1, () => account.GetAsync($"/sessions/{session}"));
    }

    [Fact]
    public async Task DeleteSession_takes_2()
    {
        var account = await server.NewWarmAccountAsync();
        var (session, _) = await account.CreateMemberAsync();
        await CountsAsync(2, () => account.DeleteAsync($"/sessions/{session}"));
    }

    [Fact]
    public async Task ListSessionParticipants_takes_1()
    {
        var account = await server.NewWarmAccountAsync();
        var (session, _) = await account.CreateMemberAsync();
        await CountsAsync(1, () => account.GetAsync($"/sessions/{session}/participants"));
    }

    [Fact]
    public async Task CreateParticipant_takes_1()
    {
        var account = await server.NewWarmAccountAsync();
        await CountsAsync(1, () => account.PostAsync("/participants"));
    }

    [Fact]
    public async Task GetParticipant_takes_1_and_2_in_a_session()
    {
        var account = await server.NewWarmAccountAsync();
        var (session, participant) = (await account.CreateSessionAsync(), await account.CreateParticipantAsync());
        await CountsAsync(1, () => account.GetAsync($"/participants/{participant}"));
        await account.JoinAsync(session, participant);
        await CountsAsync(2, () => account.GetAsync($"/participants/{participant}"));
    }

    [Fact]
    public async Task DeleteParticipant_takes_2_and_4_in_a_session()
    {
        var account = await server.NewWarmAccountAsync();
        var (_, member) = await account.CreateMemberAsync();
        var other = await account.CreateParticipantAsync();
        await CountsAsync(2, () => account.DeleteAsync($"/participants/{other}"));
        await CountsAsync(4, () => account.DeleteAsync($"/participants/{member}"));
    }

    [Fact]
    public async Task AddParticipantToSession_takes_3()
    {
        var account = await server.NewWarmAccountAsync();
        var (session, participant) = (await account.CreateSessionAsync(), await account.CreateParticipantAsync());
        await CountsAsync(3, () => account.PutAsync($"/sessions/{session}/participants/{participant}", $$"""{"sessionId":"{{session}}"}"""));
    }

    [Fact]
    public async Task AddParticipantToSession_takes_1_when_it_is_a_repeat_and_2_when_that_has_a_body()
    {
        var account = await server.NewWarmAccountAsync();
        var (session, participant) = await account.CreateMemberAsync();
        await CountsAsync(1, () => account.PutAsync($"/sessions/{session}/participants/{participant}"));
        await CountsAsync(2, () => account.PutAsync($"/sessions/{session}/participants/{participant}", "{}"));
    }

    [Fact]
    public async Task AddParticipantToSession_takes_4_after_its_session_was_deleted_and_5_with_a_stale_claim_on_a_live_one()
    {
        var account = await server.NewWarmAccountAsync();
        var (deleted, participant) = await account.CreateMemberAsync();
        var (left, next) = (await account.CreateSessionAsync(), await account.CreateSessionAsync());
        await account.DeleteAsync($"/sessions/{deleted}");
        await CountsAsync(4, () => account.PutAsync($"/sessions/{left}/participants/{participant}"));

        // As after a crash between leaving and clearing the claim.
        var key = (Partition: $"{account.Id}:{left}", Row: $"member:{participant}");
        await server.Tables.Sessions.DeleteEntityAsync(key.Partition, key.Row);
        await CountsAsync(5, () => account.PutAsync($"/sessions/{next}/participants/{participant}"));
    }

    [Fact]
    public async Task RemoveParticipantFromSession_takes_3()
    {
        var account = await server.NewWarmAccountAsync();
        var (session, participant) = await account.CreateMemberAsync();
        await CountsAsync(3, () => account.DeleteAsync($"/sessions/{session}/participants/{participant}"));
    }

    [Fact]
    public async Task GetParticipantSubscriptions_takes_1()
    {
        var account = await server.NewWarmAccountAsync();
        var (session, participant) = await account.CreateMemberAsync();
        await CountsAsync(1, () => account.GetAsync($"/sessions/{session}/participants/{participant}/subscriptions"));
    }

    [Fact]
    public async Task UpdateParticipantSubscriptions_takes_1_and_2_to_refuse_what_the_member_row_cannot()
    {
        var account = await server.NewWarmAccountAsync();
        var (session, participant) = await account.CreateMemberAsync();
        var other = await account.CreateSessionAsync();
        await CountsAsync(1, () => account.PutAsync($"/sessions/{session}/participants/{participant}/subscriptions", $$"""{"sessionId":"{{session}}"}"""));
        await CountsAsync(2, () => account.PutAsync($"/sessions/{session}/participants/{other}/subscriptions"), HttpStatusCode.NotFound);
    }

    private async Task CountsAsync(int expected, Func<Task<Answer>> operation, HttpStatusCode? status = null)
    {
        server.StorageCalls.Clear();
        server.StorageCalls.Hold = TimeSpan.FromMilliseconds(100);
        var answer = await operation();
        server.StorageCalls.Hold = TimeSpan.Zero;
        Assert.True(status is null ? (int)answer.Status < 300 : answer.Status == status, $"{answer.Status}: {answer.Body}");
        Assert.Equal(expected, server.StorageCalls.Sequential);
    }
}
