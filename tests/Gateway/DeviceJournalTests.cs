using Azure.Core;
using Azure.Data.Tables;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Sessions.Events;
using Sessions.Gateway;
using Sessions.Model;
using Sessions.Storage;

namespace Sessions.Tests.Gateway;

/// <summary>The changes of devices are in the outbox exactly once, although storage, the queue and the gateway fail.</summary>
public sealed class DeviceJournalTests(AzuriteFixture azurite) : IAsyncLifetime
{
    private static readonly AccountId Account = AccountId.Parse("9900000");
    private static readonly CancellationToken None = CancellationToken.None;

    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2026, 3, 1, 12, 0, 0, TimeSpan.Zero));
    private readonly List<DeviceJournal> _journals = [];
    private FaultyTransport _faults = null!;
    private Tables _tables = null!;
    private ParticipantRow _participant = null!;

    public async ValueTask InitializeAsync()
    {
        var options = PatientStorage.Options();
        options.Transport = _faults = new(options.Transport);
        _tables = new(new TableServiceClient(azurite.NextConnectionString(), options));
        await _tables.CreateAsync(None);
        _participant = NewParticipant();
    }

    public ValueTask DisposeAsync()
    {
        _journals.ForEach(journal => journal.Dispose());
        return ValueTask.CompletedTask;
    }

    [Fact]
    public async Task A_restarted_gateway_reports_the_devices_it_had_before_it_was_killed()
    {
        var killed = NewJournal();
        Note(killed, DeviceChangeKind.Connected, "gone");
        Note(killed, DeviceChangeKind.Connected, "back");
        await ToldAsync("gone onConnect", "back onConnect");
        killed.Dispose();

        var next = NewJournal();
        await next.StartAsync(None);
        await ToldAsync("gone onConnect", "back onConnect", "gone onDisconnect", "back onDisconnect");
        Note(next, DeviceChangeKind.Connected, "back");
        await ToldAsync("gone onConnect", "back onConnect", "gone onDisconnect", "back onDisconnect", "back onConnect");

        // The delay begins shortly after the changes are written.
        await Eventually.IsAsync(true, () =>
        {
            _time.Advance(TimeSpan.FromSeconds(5));
            return Told().Contains("gone onLeave");
        });
        Note(next, DeviceChangeKind.Left, "back");
        await ToldAsync(
            "gone onConnect", "back onConnect", "gone onDisconnect", "back onDisconnect", "back onConnect", "gone onLeave", "back onLeave");
        await Eventually.IsAsync(0, () => Listed().Count());
    }

    [Fact]
    public async Task A_gateway_with_another_name_does_not_report_foreign_devices()
    {
        Note(NewJournal(), DeviceChangeKind.Connected, "device");
        await ToldAsync("device onConnect");
        var other = NewJournal(name: "other");
        await other.StartAsync(None);
        other.Note(Account, _participant, DeviceChangeKind.Lost, "device");
        await other.StopAsync(None);

        Assert.Equal(["device onConnect"], Told());
        Assert.Equal([":gateway:test"], Listed());
    }

    [Fact]
    public async Task A_gateway_writes_all_noted_changes_before_it_stops()
    {
        var journal = NewJournal();
        await journal.StartAsync(None);
        foreach (var participant in Enumerable.Range(0, 20).Select(_ => NewParticipant()).Append(_participant))
        {
            journal.Note(Account, participant, DeviceChangeKind.Connected, "device");
            journal.Note(Account, participant, DeviceChangeKind.Lost, "device");
        }

        await journal.StopAsync(None);

        Assert.Equal(["device onConnect", "device onDisconnect"], Told());
        Assert.Equal(21, Listed().Count());
    }

    [Theory]
    [InlineData(StorageFault.ResetBefore)]
    [InlineData(StorageFault.ResetAfter)]
    [InlineData(StorageFault.ErrorAfter)]
    [InlineData(StorageFault.Busy)]
    public async Task Each_change_becomes_one_event_even_if_writes_fail(StorageFault fault)
    {
        var failures = 0;
        _faults.Choose = request => request.Method != RequestMethod.Get && Interlocked.Increment(ref failures) % 2 == 1 ? fault : StorageFault.None;
        var journal = NewJournal();
        foreach (var kind in new[] { DeviceChangeKind.Connected, DeviceChangeKind.Lost, DeviceChangeKind.Connected, DeviceChangeKind.Left })
        {
            Note(journal, kind, "device");
            await Task.Yield();
        }

        await Eventually.IsAsync(4, () =>
        {
            _time.Advance(TimeSpan.FromSeconds(1));
            return Told().Count;
        });
        Assert.Equal(["device onConnect", "device onDisconnect", "device onConnect", "device onLeave"], Told());
    }

    [Fact]
    public async Task The_queue_message_is_sent_before_the_row_is_written_and_no_row_is_written_without_it()
    {
        var (failures, isEarly) = (0, true);
        var journal = NewJournal(new((account, partition, hasCallback, _) =>
        {
            isEarly &= Told().Count == 0;
            Assert.Equal((Account, $"{Account}:{_participant.Id}", true), (account, partition, hasCallback));
            return ++failures < 3 ? throw new IOException("The queue is away.") : Task.CompletedTask;
        }));
        Note(journal, DeviceChangeKind.Connected, "device");

        await Eventually.IsAsync(1, () =>
        {
            _time.Advance(TimeSpan.FromSeconds(1));
            return Told().Count;
        });
        Assert.True(isEarly);
        Assert.Equal(3, failures);
    }

    [Fact]
    public async Task Changes_during_a_storage_outage_are_bounded_and_end_in_the_current_state_of_the_device()
    {
        _faults.Choose = _ => StorageFault.Refused;
        var journal = NewJournal();
        for (var count = 0; count < 200; count++)
        {
            Note(journal, DeviceChangeKind.Connected, "device");
            Note(journal, DeviceChangeKind.Lost, "device");
        }

        Note(journal, DeviceChangeKind.Connected, "device");
        _faults.Choose = _ => StorageFault.None;
        await Eventually.IsAsync(true, () =>
        {
            _time.Advance(TimeSpan.FromSeconds(8));
            return Told() is [.., "device onDisconnect", "device onConnect"] told && told.Count % 2 == 1;
        });
        Assert.InRange(Told().Count, 3, 70);
    }

    private ParticipantRow NewParticipant()
    {
        var (id, now) = (new ParticipantId(Guid.NewGuid()), _time.GetUtcNow());
        return new(id, ParticipantFields.Of(id, new("https://example.com/callback", [], null, "V3")), now, now.AddHours(9));
    }

    private DeviceJournal NewJournal(EventQueue? queue = null, string name = "test")
    {
        var settings = new ConfigurationBuilder().AddInMemoryCollection(
        [
            new("Sessions:StorageConnectionString", "UseDevelopmentStorage=true"),
            new("Sessions:TokenSigningKey", ApiServer.TokenSigningKey),
            new("Gateway:Name", name),
        ]).Build();
        var journal = new DeviceJournal(
            _tables, queue ?? EventQueue.None, SessionsOptions.Read(settings), GatewayOptions.Read(settings), _time, NullLogger<DeviceJournal>.Instance);
        _journals.Add(journal);
        return journal;
    }

    private void Note(DeviceJournal journal, DeviceChangeKind kind, string deviceId) => journal.Note(Account, _participant, kind, deviceId);

    private Task ToldAsync(params string[] expected) => Eventually.IsAsync(string.Join(", ", expected), () => string.Join(", ", Told()));

    private IReadOnlyList<string> Told()
        => [.. Outbox.ReadParticipantAsync(_tables, Account, _participant.Id, 1, 1_000, None).GetAwaiter().GetResult()
            .Select(row => $"{row.Events[0].DeviceId} {row.Events[0].Callback}")];

    private IEnumerable<string> Listed()
        => _tables.Participants.QueryAsync<TableEntity>("PartitionKey gt ':gateway:' and PartitionKey lt ':gateway;'").ToBlockingEnumerable().Select(row => row.PartitionKey);
}
