using Azure.Core;
using Sessions.Events;
using Sessions.Model;

namespace Sessions.Tests.Events;

/// <summary>Appends to the log of an account that are combined into one transaction.</summary>
public sealed class EventLogTests(Server server) : IClassFixture<Server>
{
    private readonly AccountId _account = AccountId.Parse($"{Guid.NewGuid():N}");

    private EventLog Log => server.Service<EventLog>();

    [Fact]
    public async Task An_outdated_cursor_does_not_delay_the_appends_that_are_combined_with_it()
    {
        Assert.True(await AppendAsync("moved"));
        server.StorageCalls.Clear();

        var results = await AppendWhileTheFirstIsInFlightAsync("first", "before", "moved", "behind");

        // The first, the three together, and the two without the outdated one.
        Assert.Equal(3, server.StorageCalls.Count);
        Assert.Equal([true, true, false, true], results);
        Assert.Equal(["moved", "first", "before", "behind"], (await Log.ReadAsync(_account, 0, 10, CancellationToken.None)).Select(entry => entry.Event.Id));
    }

    [Fact]
    public async Task A_second_append_of_an_outbox_that_waits_for_the_first_needs_no_storage_call()
    {
        Assert.True(await AppendAsync("other"));
        server.StorageCalls.Clear();

        var results = await AppendWhileTheFirstIsInFlightAsync("first", "twice", "twice");

        Assert.Equal([true, true, false], results);
        Assert.Equal(2, server.StorageCalls.Count);
    }

    [Fact]
    public async Task An_append_ends_with_its_transaction_while_others_still_wait()
    {
        var (held, transactions) = (new TaskCompletionSource(), 0);
        server.Faults.Slowness = () => held.Task;
        server.Faults.Choose = request
            => request.Method == RequestMethod.Post && ++transactions > 1 ? StorageFault.Slow : StorageFault.None;

        var (first, later) = (AppendAsync("first"), AppendAsync("later"));

        Assert.Same(first, await Task.WhenAny(first, later));
        Assert.True(await first);
        held.SetResult();
        Assert.True(await later);
        server.Faults.Choose = _ => StorageFault.None;
    }

    /// <summary>Appends to outboxes. The transaction of the first ends when all have begun, so that the others are combined.</summary>
    private async Task<bool[]> AppendWhileTheFirstIsInFlightAsync(params string[] outboxes)
    {
        var held = new TaskCompletionSource();
        server.Faults.Slowness = () => held.Task;
        server.Faults.Choose = request => request.Method == RequestMethod.Post ? StorageFault.Slow : StorageFault.None;
        var appends = outboxes.Select(AppendAsync).ToArray();
        held.SetResult();
        var results = await Task.WhenAll(appends);
        server.Faults.Choose = _ => StorageFault.None;
        return results;
    }

    /// <summary>Appends an event as the first of an outbox.</summary>
    private Task<bool> AppendAsync(string outbox)
    {
        var now = server.Time.GetUtcNow();
        var told = new SessionsEvent(outbox, EventTypes.SessionCreated, now, new($"{_account}", null, null, null, null));
        return Log.AppendAsync(new(new(_account, outbox, 1, 0, now.AddDays(1), null), [new(told, 1, 0, true, now.AddDays(1))]));
    }
}
