using System.Net;

namespace Sessions.Tests;

/// <summary>
/// The sequential storage calls of an operation in its unusual cases. <see cref="StorageCostTests"/> counts the usual case of every
/// operation.
/// </summary>
public sealed class RoundTripTests(Server server) : IClassFixture<Server>
{
    /// <summary>How long each response is delayed, so that parallel calls overlap.</summary>
    public static readonly TimeSpan Hold = TimeSpan.FromMilliseconds(100);

    [Theory]
    [InlineData("/sessions")]
    [InlineData("/participants")]
    public async Task A_creation_with_an_idempotency_key_takes_2_sequential_calls(string path)
    {
        var account = await server.NewWarmAccountAsync();
        await CountsAsync(2, () => account.SendAsync(HttpMethod.Post, path, headers: ("Idempotency-Key", "key")));
    }

    [Fact]
    public async Task A_repeated_AddParticipantToSession_with_a_body_takes_3_sequential_calls()
    {
        var account = await server.NewWarmAccountAsync();
        var (session, participant) = await account.CreateMemberAsync();
        await CountsAsync(3, () => account.PutAsync($"/sessions/{session}/participants/{participant}", "{}"));
    }

    [Fact]
    public async Task AddParticipantToSession_takes_4_calls_with_a_claim_on_a_deleted_session_and_5_on_a_live_one()
    {
        var account = await server.NewWarmAccountAsync();
        var (deleted, participant) = await account.CreateMemberAsync();
        var (left, next) = (await account.CreateSessionAsync(), await account.CreateSessionAsync());
        await account.DeleteAsync($"/sessions/{deleted}");
        await CountsAsync(4, () => account.PutAsync($"/sessions/{left}/participants/{participant}"));

        // The state after a crash between leaving and clearing the claim.
        await account.LeaveBehindAClaimAsync(left, participant);
        await CountsAsync(5, () => account.PutAsync($"/sessions/{next}/participants/{participant}"));
    }

    [Fact]
    public async Task UpdateParticipantSubscriptions_takes_2_calls_without_a_member_row()
    {
        var account = await server.NewWarmAccountAsync();
        var (session, other) = (await account.CreateSessionAsync(), await account.CreateSessionAsync());
        await CountsAsync(2, () => account.PutAsync($"/sessions/{session}/participants/{other}/subscriptions"), HttpStatusCode.NotFound);
    }

    [Fact]
    public async Task UpdateParticipantSubscriptions_takes_2_calls_for_an_expired_membership()
    {
        var account = await server.NewWarmAccountAsync();
        var (session, participant) = await account.CreateMemberAsync();
        server.Time.Advance(TimeSpan.FromHours(9));
        await account.GetAsync($"/sessions/{session}");
        await CountsAsync(2, () => account.PutAsync($"/sessions/{session}/participants/{participant}/subscriptions"), HttpStatusCode.NotFound);
    }

    [Fact]
    public async Task UpdateParticipantSubscriptions_takes_4_calls_to_join_3_if_in_another_session_2_with_a_condition()
    {
        var account = await server.NewWarmAccountAsync();
        var (session, other, participant) = (await account.CreateSessionAsync(), await account.CreateSessionAsync(), await account.CreateParticipantAsync());
        var path = $"/sessions/{session}/participants/{participant}/subscriptions";
        await CountsAsync(4, () => account.PutAsync(path));
        await CountsAsync(3, () => account.PutAsync($"/sessions/{other}/participants/{participant}/subscriptions"), HttpStatusCode.Conflict);
        await CountsAsync(2, () => account.SendAsync(HttpMethod.Put, path, "{}", headers: ("If-Match", "*")));
    }

    private async Task CountsAsync(int expected, Func<Task<Answer>> operation, HttpStatusCode? status = null)
    {
        server.StorageCalls.Clear();
        server.StorageCalls.Hold = Hold;
        var answer = await operation();
        server.StorageCalls.Hold = TimeSpan.Zero;
        Assert.True(status is null ? (int)answer.Status < 300 : answer.Status == status, $"{answer.Status}: {answer.Body}");
        Assert.Equal(expected, server.StorageCalls.Sequential);
    }
}
