using System.Text.Json;
using Azure;
using Azure.Storage.Queues;
using Azure.Storage.Queues.Models;
using Moq;
using Sessions.Model;
using Sessions.Storage;

namespace Sessions.Tests;

/// <summary>The messages that make the delivery read a partition.</summary>
public sealed class EventQueueTests
{
    private static readonly AccountId Account = AccountId.Parse("account");

    private readonly Clock _time = new();
    private readonly ScriptedTables _tables = new();
    private readonly Mock<QueueClient> _queue = new();
    private readonly List<(string Text, TimeSpan? Delay, TimeSpan? TimeToLive)> _sent = [];
    private readonly EventQueue _events;
    private readonly Feeds _feeds;

    public EventQueueTests()
    {
        _time.Stop();
        _queue.Setup(queue => queue.SendMessageAsync(It.IsAny<string>(), It.IsAny<TimeSpan?>(), It.IsAny<TimeSpan?>(), It.IsAny<CancellationToken>()))
            .Callback((string text, TimeSpan? delay, TimeSpan? timeToLive, CancellationToken _) => _sent.Add((text, delay, timeToLive)))
            .ReturnsAsync((Response<SendReceipt>)null!);
        var service = new Mock<QueueServiceClient>();
        service.Setup(queues => queues.GetQueueClient(Queues.EventsName)).Returns(_queue.Object);
        _feeds = new(_tables.Tables, _time);
        _events = EventQueue.Over(new(() => service.Object), _feeds, _time);
    }

    [Fact]
    public async Task No_message_is_sent_for_an_account_whose_feed_is_off()
    {
        await _events.AnnounceAsync(Account, "account:1", CancellationToken.None);

        Assert.Empty(_sent);
    }

    [Fact]
    public async Task A_message_for_an_account_whose_feed_is_on_is_visible_immediately_and_never_expires()
    {
        await _feeds.TurnOnAsync(Account, CancellationToken.None);

        await _events.AnnounceAsync(Account, "account:1", CancellationToken.None);

        var (text, delay, timeToLive) = Assert.Single(_sent);
        Assert.Equal((TimeSpan.Zero, TimeSpan.FromSeconds(-1)), (delay, timeToLive));
        var message = JsonElement.Parse(text);
        Assert.Equal(("account", "account:1"), (message.GetProperty("account").GetString(), message.GetProperty("partition").GetString()));
        Assert.Equal(_time.GetUtcNow(), message.GetProperty("sent").GetDateTimeOffset());
    }

    [Fact]
    public async Task A_delay_is_rounded_up_to_whole_seconds()
    {
        await _events.SendLater(Account, "account:1", TimeSpan.FromSeconds(1.2), CancellationToken.None);

        Assert.Equal(TimeSpan.FromSeconds(2), Assert.Single(_sent).Delay);
    }

    [Fact]
    public void The_longest_delay_is_allowed_by_the_queue()
        => Assert.InRange(EventMessage.MaxDelay, TimeSpan.FromDays(6), TimeSpan.FromDays(7));

    [Fact]
    public async Task A_missing_queue_is_created()
    {
        _queue.SetupSequence(queue => queue.SendMessageAsync(It.IsAny<string>(), It.IsAny<TimeSpan?>(), It.IsAny<TimeSpan?>(), It.IsAny<CancellationToken>()))
            .ThrowsAsync(new RequestFailedException(404, "There is no such queue.", "QueueNotFound", null))
            .ReturnsAsync((Response<SendReceipt>)null!);

        await _events.SendLater(Account, "account:1", TimeSpan.Zero, CancellationToken.None);

        _queue.Verify(queue => queue.CreateIfNotExistsAsync(It.IsAny<IDictionary<string, string>>(), It.IsAny<CancellationToken>()), Times.Once);
        _queue.Verify(
            queue => queue.SendMessageAsync(It.IsAny<string>(), It.IsAny<TimeSpan?>(), It.IsAny<TimeSpan?>(), It.IsAny<CancellationToken>()), Times.Exactly(2));
    }

    [Fact]
    public async Task Other_failures_of_the_queue_are_thrown_to_the_caller()
    {
        _queue.Setup(queue => queue.SendMessageAsync(It.IsAny<string>(), It.IsAny<TimeSpan?>(), It.IsAny<TimeSpan?>(), It.IsAny<CancellationToken>()))
            .ThrowsAsync(new RequestFailedException(403, "No.", "AuthorizationFailure", null));

        await Assert.ThrowsAsync<RequestFailedException>(() => _events.SendLater(Account, "account:1", TimeSpan.Zero, CancellationToken.None));

        _queue.Verify(queue => queue.CreateIfNotExistsAsync(It.IsAny<IDictionary<string, string>>(), It.IsAny<CancellationToken>()), Times.Never);
    }
}
