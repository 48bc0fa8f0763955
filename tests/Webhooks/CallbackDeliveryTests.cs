using System.Net;
using System.Text;
using Azure.Data.Tables;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Sessions.Model;
using Sessions.Storage;
using Sessions.Webhooks;

namespace Sessions.Tests.Webhooks;

/// <summary>The messages that callback URLs receive, however they respond.</summary>
public sealed class CallbackDeliveryTests(AzuriteFixture azurite) : IAsyncLifetime
{
    private static readonly AccountId Account = AccountId.Parse("9900000");
    private static readonly CancellationToken None = CancellationToken.None;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2026, 3, 1, 12, 0, 0, TimeSpan.Zero));
    private readonly List<(ParticipantId Participant, DateTimeOffset Visible)> _messages = [];
    private readonly List<WebhookClient> _clients = [];
    private Tables _tables = null!;
    private WebhookStore _store = null!;
    private CallbackDelivery _delivery = null!;

    public async ValueTask InitializeAsync()
    {
        _tables = new(new TableServiceClient(azurite.NextConnectionString(), PatientStorage.Options()));
        await _tables.CreateAsync(None);
        _store = new(_tables, _time);
        _delivery = NewServer();
    }

    public ValueTask DisposeAsync()
    {
        _clients.ForEach(client => client.Dispose());
        return ValueTask.CompletedTask;
    }

    [Fact]
    public async Task Without_a_webhook_callbacks_are_unsigned_and_have_the_JSON_format_of_Bandwidth()
    {
        await using var receiver = await Receiver.StartAsync();
        var participant = await AddAsync($"{receiver.Url}hook?key=1", tag: null, DeviceChangeKind.Connected, DeviceChangeKind.Left);

        await DeliverAsync(participant);

        Assert.Equal(
            [
                $$"""{"event":"onConnect","timestamp":"1772366400000","participantId":"{{participant}}","deviceId":"device"}""",
                $$"""{"event":"onLeave","timestamp":"1772366400000","participantId":"{{participant}}","deviceId":"device"}""",
            ],
            receiver.All.Select(received => received.Body));
        Assert.Equal(("/hook?key=1", "1772366400", null), (receiver.All[0].Path, receiver.All[0].Timestamp, receiver.All[0].Signature));
        Assert.Empty(_messages);
    }

    [Fact]
    public async Task Callbacks_are_signed_with_the_secrets_of_the_accounts_webhooks()
    {
        await using var receiver = await Receiver.StartAsync();
        var webhook = await _store.AddAsync(Account, receiver.Url, [], 0, None);
        var ended = await _store.AddAsync(Account, receiver.Url, [], 0, None);
        await _store.EndAsync(ended, "the receiver returned 410", None);

        await DeliverAsync(await AddAsync($"{receiver.Url}", "blue", DeviceChangeKind.Connected));

        var received = Assert.Single(receiver.All);
        Assert.Equal(WebhookSecret.Sign([webhook.Secret], received.Id, received.Seconds, Encoding.UTF8.GetBytes(received.Body)), received.Signature);
    }

    [Fact]
    public async Task A_failed_callback_is_resent_unchanged_before_later_callbacks_of_the_participant()
    {
        await using var receiver = await Receiver.StartAsync(_ => 500);
        var participant = await AddAsync($"{receiver.Url}", "blue", DeviceChangeKind.Connected, DeviceChangeKind.Lost);
        var other = await AddAsync($"{receiver.Url}", "red", DeviceChangeKind.Connected);
        await DeliverAsync(participant);
        await DeliverAsync(other);
        Assert.Equal(2, receiver.All.Count);

        // Nothing is tried before its time, even if there is a new event.
        await ChangeAsync(participant, DeviceChangeKind.Left);
        await DeliverAsync(participant);
        Assert.Equal(2, receiver.All.Count);
        receiver.Respond = (_, _) => Task.CompletedTask;
        while (_messages.Count > 0)
            await RunNextAsync();

        var told = receiver.All.Where(received => received.Body.Contains($"{participant}", StringComparison.Ordinal)).ToArray();
        Assert.Equal(["onConnect", "onConnect", "onDisconnect", "onLeave"], told.Select(received => received.Json.GetProperty("event").GetString()));
        Assert.Equal((told[0].Id, told[0].Body), (told[1].Id, told[1].Body));
        Assert.InRange(told[1].Seconds - told[0].Seconds, 5, 7);
        Assert.Equal(6, receiver.All.Count);
        Assert.Empty(_messages);
    }

    [Fact]
    public async Task A_callback_is_retried_for_three_days_after_its_event_before_the_next_one_is_sent()
    {
        await using var receiver = await Receiver.StartAsync(_ => 500);
        var participant = await AddAsync($"{receiver.Url}", null, DeviceChangeKind.Connected, DeviceChangeKind.Left);
        await DeliverAsync(participant);
        while (_messages.Count > 0)
            await RunNextAsync();

        Assert.Equal([$"call_{participant.Value:N}_1", $"call_{participant.Value:N}_2"], receiver.Ids.Distinct());
        Assert.InRange(receiver.Ids.Count(id => id.EndsWith("_1", StringComparison.Ordinal)), 38, 43);
        Assert.InRange((_time.GetUtcNow() - new DateTimeOffset(2026, 3, 1, 12, 0, 0, TimeSpan.Zero)).TotalHours, 69.7, 72.1);
    }

    [Fact]
    public async Task A_receiver_that_returned_410_is_not_called_again()
    {
        await using var receiver = await Receiver.StartAsync(_ => 410);
        var participant = await AddAsync($"{receiver.Url}", null, DeviceChangeKind.Connected, DeviceChangeKind.Lost);
        await DeliverAsync(participant);
        await ChangeAsync(participant, DeviceChangeKind.Left);
        await DeliverAsync(participant);

        Assert.Single(receiver.All);
        Assert.Empty(_messages);
    }

    [Theory]
    [InlineData("undefined/callback")]
    [InlineData("null")]
    [InlineData("")]
    [InlineData("ftp://example.com/callback")]
    [InlineData("https://")]
    public async Task An_invalid_callback_URL_gets_no_callbacks(string url)
    {
        var participant = await AddAsync(url, null, DeviceChangeKind.Connected, DeviceChangeKind.Lost, DeviceChangeKind.Left);

        Assert.False((await DevicesRow.FindAsync(_tables.Participants, Account, participant, None))!.HasCallback);
        await _delivery.RunAsync(Account, participant, None);
        Assert.Empty(_messages);
    }

    [Theory]
    [InlineData("http://10.0.0.5/callback")]
    [InlineData("http://169.254.169.254/latest/meta-data")]
    [InlineData("https://user:password@example.com/")]
    public async Task A_callback_to_a_URL_that_is_not_allowed_is_not_sent_and_not_retried(string url)
    {
        await DeliverAsync(await AddAsync(url, null, DeviceChangeKind.Connected));

        Assert.Empty(_messages);
    }

    [Fact]
    public async Task A_host_name_that_resolves_to_a_private_address_is_not_called()
    {
        await using var receiver = await Receiver.StartAsync();
        _delivery = NewServer(WebhookOptions.Strict with { AllowHttp = true }, (_, _) => Task.FromResult<IPAddress[]>([IPAddress.Loopback]));
        await DeliverAsync(await AddAsync($"http://inside.example:{receiver.Url.Port}/", null, DeviceChangeKind.Connected));

        Assert.Empty(receiver.All);
        Assert.Single(_messages);
    }

    [Fact]
    public async Task A_hanging_receiver_has_at_most_eight_runs_and_does_not_block_another()
    {
        await using var hanging = await Receiver.StartAsync((http, _) => Task.Delay(Timeout.Infinite, http.RequestAborted));
        await using var other = await Receiver.StartAsync();
        List<Task> runs = [];
        for (var count = 0; count < 10; count++)
            runs.Add(_delivery.RunAsync(Account, await AddAsync($"{hanging.Url}", null, DeviceChangeKind.Connected), None));
        await hanging.ArrivedAsync(8);
        await WebhookBench.UntilAsync(() => CountMessages() == 2);
        await _delivery.RunAsync(Account, await AddAsync($"{other.Url}", null, DeviceChangeKind.Connected), None);

        Assert.Equal((8, 1), (hanging.All.Count, other.All.Count));
        _time.Advance(WebhookClient.TryTimeout);
        await Task.WhenAll(runs).WaitAsync(Patience);

        // Two wait for their turn, and eight for their next attempt.
        Assert.Equal(10, CountMessages());
    }

    [Fact]
    public async Task One_server_sends_at_a_time_and_another_takes_over_after_a_crash()
    {
        await using var receiver = await Receiver.StartAsync((http, _) => Task.Delay(Timeout.Infinite, http.RequestAborted));
        var participant = await AddAsync($"{receiver.Url}", null, DeviceChangeKind.Connected);
        using var dies = new CancellationTokenSource();
        var dying = NewServer().RunAsync(Account, participant, dies.Token);
        await receiver.ArrivedAsync();
        await _delivery.RunAsync(Account, participant, None);
        Assert.Single(receiver.All);
        await dies.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => dying);

        receiver.Respond = (_, _) => Task.CompletedTask;
        await RunNextAsync();

        Assert.Equal([$"call_{participant.Value:N}_1", $"call_{participant.Value:N}_1"], receiver.Ids);
        Assert.Empty(_messages);
    }

    [Fact]
    public async Task A_queue_message_causes_a_delivery_only_after_its_change_is_stored()
    {
        await using var receiver = await Receiver.StartAsync();
        var participant = await AddAsync($"{receiver.Url}", null);
        Assert.False(await LookAsync(participant));
        Assert.Empty(_messages);

        await ChangeAsync(participant, DeviceChangeKind.Connected);
        Assert.True(await LookAsync(participant));
        await RunDueAsync();

        Assert.Single(receiver.All);
        Assert.False(await LookAsync(participant));
    }

    [Fact]
    public async Task The_delivery_rows_have_exactly_these_columns()
    {
        await using var receiver = await Receiver.StartAsync();
        var participant = await AddAsync($"{receiver.Url}", "blue", DeviceChangeKind.Connected);
        await DeliverAsync(participant);

        Assert.Equal(
            ["Attempts", "Expires", "LeaseUntil", "Next", "Position", "Reason"], await ColumnsAsync(participant, "callback"));
        Assert.Equal(["CallbackUrl", "Devices", "Events", "Expires", "Tag", "WriteId"], await ColumnsAsync(participant, "devices"));
        Assert.Equal(["Data", "Expires"], await ColumnsAsync(participant, "event:000000000001"));
    }

    private async Task<IEnumerable<string>> ColumnsAsync(ParticipantId participant, string rowKey)
        => (await _tables.Participants.GetEntityAsync<TableEntity>($"{Account}:{participant}", rowKey)).Value.Keys
            .Except(["PartitionKey", "RowKey", "Timestamp", "odata.etag"]).Order(StringComparer.Ordinal);

    private CallbackDelivery NewServer(WebhookOptions? options = null, NameResolver? resolve = null)
    {
        var client = new WebhookClient(options ?? WebhookOptions.Local, _time, resolve ?? Dns.GetHostAddressesAsync);
        _clients.Add(client);
        var messages = new WebhookMessages((text, delay, _) =>
        {
            Assert.True(WebhookMessages.TryRead(text, out var account, out var webhook, out var participant));
            Assert.Equal((Account, null), (account, webhook));
            lock (_messages)
                _messages.Add((participant, _time.GetUtcNow() + delay));
            return Task.CompletedTask;
        });
        return new(_tables, _store, client, messages, options ?? WebhookOptions.Local, _time, NullLogger<CallbackDelivery>.Instance);
    }

    /// <summary>Creates a participant with a device that has made these changes.</summary>
    private async Task<ParticipantId> AddAsync(string url, string? tag, params DeviceChangeKind[] changes)
    {
        var id = new ParticipantId(Guid.NewGuid());
        var now = _time.GetUtcNow();
        var participant = new ParticipantRow(id, ParticipantFields.Of(id, new(url, [], tag, "V3")), now, now.AddHours(9));
        await WriteAsync(DevicesRow.Of(Account, participant), changes);
        return id;
    }

    private async Task ChangeAsync(ParticipantId id, params DeviceChangeKind[] changes)
        => await WriteAsync((await DevicesRow.FindAsync(_tables.Participants, Account, id, None))!, changes);

    private async Task WriteAsync(DevicesRow row, DeviceChangeKind[] changes)
    {
        var next = changes.Aggregate(row, (changed, kind) => changed.With(new(kind, "device", _time.GetUtcNow()), "gateway", "run"));
        var write = await _tables.Participants.TrySubmitAsync(next.ToActions("write", _time.GetUtcNow().AddDays(7)), None);
        Assert.Equal(WriteOutcome.Done, write.Outcome);
    }

    private Task<bool> LookAsync(ParticipantId participant) => _delivery.LookAsync($"{Account}:{participant}", isLast: false, None);

    private async Task DeliverAsync(ParticipantId participant)
    {
        await LookAsync(participant);
        await RunDueAsync();
    }

    private async Task RunNextAsync()
    {
        var next = _messages.Min(message => message.Visible) - _time.GetUtcNow();
        _time.Advance(next);
        await RunDueAsync();
    }

    private async Task RunDueAsync()
    {
        while (TakeDue() is { Count: > 0 } due)
            await Task.WhenAll(due.Select(participant => _delivery.RunAsync(Account, participant, None))).WaitAsync(Patience);
    }

    private int CountMessages()
    {
        lock (_messages)
            return _messages.Count;
    }

    private List<ParticipantId> TakeDue()
    {
        lock (_messages)
        {
            var due = _messages.Where(message => message.Visible <= _time.GetUtcNow()).ToList();
            _messages.RemoveAll(due.Contains);
            return [.. due.Select(message => message.Participant)];
        }
    }
}
