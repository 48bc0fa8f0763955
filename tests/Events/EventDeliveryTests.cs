using Sessions.Events;
using Sessions.Model;
using Sessions.Storage;

namespace Sessions.Tests.Events;

/// <summary>How often a message of the event queue makes the delivery read a partition.</summary>
public sealed class EventDeliveryTests(Server server) : IClassFixture<Server>
{
    [Fact]
    public async Task A_message_that_arrives_before_its_change_causes_four_more_reads_of_the_partition()
    {
        var one = await CallsOfAsync(TimeSpan.FromSeconds(1));

        Assert.Equal(5 * one, await CallsOfAsync(TimeSpan.Zero));
    }

    [Fact]
    public async Task A_message_older_than_any_request_causes_one_read_of_the_partition()
        => Assert.Equal(await CallsOfAsync(TimeSpan.FromSeconds(1)), await CallsOfAsync(TimeSpan.FromSeconds(20)));

    /// <summary>The number of storage calls to handle a message of this age for a partition without events.</summary>
    private async Task<int> CallsOfAsync(TimeSpan age)
    {
        var account = AccountId.Parse((await server.NewAccountAsync()).Id);
        await server.Service<Feeds>().TurnOnAsync(account, CancellationToken.None);
        await server.Service<Feeds>().IsOnAsync(account, CancellationToken.None);
        await server.Service<Queues>().CreateAsync(CancellationToken.None);
        server.StorageCalls.Clear();
        // However long the calls take, the message does not get older.
        server.Time.Stop();

        await server.Service<EventDelivery>().RunAsync(
            $$"""{"account":"{{account}}","partition":"{{account}}:{{Guid.NewGuid()}}","sent":"{{server.Time.GetUtcNow() - age:O}}","looks":0}""",
            CancellationToken.None);

        return server.StorageCalls.Count;
    }
}
