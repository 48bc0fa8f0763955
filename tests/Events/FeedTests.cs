using System.Net;
using Sessions.Events;
using Sessions.Model;
using Sessions.Storage;
using static Sessions.Tests.FeedRequestTests;

namespace Sessions.Tests.Events;

/// <summary>The feed of an account over HTTP, with the queue and the delivery over Azurite.</summary>
public sealed class FeedTests(FeedTests.DeliveringServer server) : IClassFixture<FeedTests.DeliveringServer>
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

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

    public sealed class DeliveringServer(AzuriteFixture azurite) : Server(azurite)
    {
        protected override bool DeliversEvents => true;
    }
}
