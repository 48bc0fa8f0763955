using System.Globalization;
using System.Net;
using System.Text.Json;
using Sessions.Gateway;
using Sessions.Model;
using Sessions.Storage;
using Sessions.Tests.Webhooks;

namespace Sessions.Tests.Gateway;

/// <summary>
/// The events that a participant's callback URL and an account's feed receive about real devices, through the real queues.
/// </summary>
public sealed class CallbackTests(AzuriteFixture azurite) : IAsyncLifetime
{
    private readonly DeliveringServer _server = new(azurite);
    private Receiver _receiver = null!;
    private Account _account = null!;

    public async ValueTask InitializeAsync()
    {
        await _server.InitializeAsync();
        _receiver = await Receiver.StartAsync();
        _account = await _server.NewAccountAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        await _receiver.DisposeAsync();
    }

    private Task<Party> CreateAsync(string? tag = null, string? url = null)
        => Party.CreateAsync(_account, JsonSerializer.Serialize(new { callbackUrl = url ?? $"{_receiver.Url}callback", tag }, JsonSerializerOptions.Web));

    private async Task<TestDevice> ConnectAsync(Party party, string? uniqueId = null)
    {
        var device = await TestDevice.ConnectAsync(_server.Url, party, uniqueId);

        // The WebSocket opens before the device is admitted.
        await device.CallAsync("ping");
        return device;
    }

    private Task ToldAsync(TestDevice device, params string[] expected)
        => Eventually.IsAsync(string.Join(' ', expected), () => string.Join(' ', OfDevice(device.UniqueId)));

    // A callback may be sent again, with the same id.
    private IEnumerable<string> OfDevice(string deviceId)
        => _receiver.All.DistinctBy(received => received.Id).Select(received => received.Json)
            .Where(told => told.GetProperty("deviceId").GetString() == deviceId)
            .Select(told => told.GetProperty("event").GetString()!);

    [Fact]
    public async Task Connecting_losing_reconnecting_and_leaving_are_each_reported()
    {
        var party = await CreateAsync("blue");
        var before = _server.Time.GetUtcNow().ToUnixTimeMilliseconds();
        await using var device = await ConnectAsync(party);
        await ToldAsync(device, "onConnect");
        device.Abort();
        await ToldAsync(device, "onConnect", "onDisconnect");
        await using var again = await ConnectAsync(party, device.UniqueId);
        await ToldAsync(device, "onConnect", "onDisconnect", "onConnect");
        await again.SendAsync("""{"jsonrpc":"2.0","method":"leave"}""");
        await ToldAsync(device, "onConnect", "onDisconnect", "onConnect", "onLeave");

        var told = _receiver.All[0];
        var timestamp = told.Json.GetProperty("timestamp").GetString()!;
        Assert.Equal(
            $$"""{"event":"onConnect","timestamp":"{{timestamp}}","participantId":"{{party.Id}}","deviceId":"{{device.UniqueId}}","tag":"blue"}""", told.Body);
        Assert.InRange(long.Parse(timestamp, CultureInfo.InvariantCulture), before, before + 30_000);
        Assert.Equal(("/callback", "application/json", $"call_{Guid.Parse(party.Id):N}_1", null), (told.Path, told.ContentType, told.Id, told.Signature));
        Assert.Equal(4, _receiver.Ids.Distinct().Count());
    }

    [Fact]
    public async Task A_device_that_closes_with_1000_is_reported_as_left()
    {
        await using var device = await ConnectAsync(await CreateAsync());
        await device.CloseAsync();

        await ToldAsync(device, "onConnect", "onLeave");
    }

    [Fact]
    public async Task A_device_that_does_not_reconnect_is_reported_as_left()
    {
        await using var device = await ConnectAsync(await CreateAsync());
        device.Abort();
        await ToldAsync(device, "onConnect", "onDisconnect");
        _server.Time.Advance(Device.DisconnectedLifetime);

        await ToldAsync(device, "onConnect", "onDisconnect", "onLeave");
    }

    [Fact]
    public async Task A_newer_connection_of_a_connected_device_is_not_reported()
    {
        var party = await CreateAsync();
        await using var older = await ConnectAsync(party);
        await using var newer = await ConnectAsync(party, older.UniqueId);
        await older.Closed;
        await newer.SendAsync("""{"jsonrpc":"2.0","method":"leave"}""");

        await ToldAsync(newer, "onConnect", "onLeave");
    }

    [Fact]
    public async Task Each_device_has_its_own_sequence_and_deleting_the_participant_reports_one_onLeave_per_device()
    {
        var party = await CreateAsync();
        await using var first = await ConnectAsync(party);
        await using var second = await ConnectAsync(party);
        await ToldAsync(first, "onConnect");
        first.Abort();
        await ToldAsync(first, "onConnect", "onDisconnect");
        await _account.DeleteAsync($"/participants/{party.Id}");
        (await _account.DeleteAsync($"/participants/{party.Id}")).IsError(HttpStatusCode.NotFound, "There is no participant with this id.");

        await ToldAsync(first, "onConnect", "onDisconnect", "onLeave");
        await ToldAsync(second, "onConnect", "onLeave");
        Assert.DoesNotContain("tag", _receiver.All[0].Body, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_expired_participant_is_reported_as_left_once()
    {
        await using var device = await ConnectAsync(await CreateAsync());
        await ToldAsync(device, "onConnect");
        _server.Time.Advance(TimeSpan.FromHours(9));

        await ToldAsync(device, "onConnect", "onLeave");
    }

    [Fact]
    public async Task The_feed_contains_one_connected_and_one_disconnected_event_per_device_after_the_creation()
    {
        await _server.Service<Feeds>().TurnOnAsync(AccountId.Parse(_account.Id), CancellationToken.None);
        var party = await CreateAsync("blue");
        await using var device = await ConnectAsync(party);
        device.Abort();
        await ToldAsync(device, "onConnect", "onDisconnect");
        await _account.DeleteAsync($"/participants/{party.Id}");
        await ToldAsync(device, "onConnect", "onDisconnect", "onLeave");
        var silent = await CreateAsync(url: "undefined/callback");
        await using var other = await ConnectAsync(silent);
        await other.CloseAsync();

        var events = await FeedAsync(6);

        Assert.Equal(["participant.created", "participant.connected", "participant.disconnected"], TypesOf(events, party));
        Assert.Equal(["participant.created", "participant.connected", "participant.disconnected"], TypesOf(events, silent));
        var connected = events.First(told => told.GetProperty("type").GetString() == "participant.connected");
        Assert.Equal(
            $$"""{"accountId":"{{_account.Id}}","participantId":"{{party.Id}}","tag":"blue","deviceId":"{{device.UniqueId}}"}""",
            connected.GetProperty("data").GetRawText());
        Assert.Equal($"evt_{Guid.Parse(party.Id):N}_1", connected.GetProperty("id").GetString());
        Assert.Empty(OfDevice(other.UniqueId));
    }

    [Fact]
    public async Task Callback_handlers_written_for_Bandwidth_find_the_fields_they_read()
    {
        // Bandwidth/webrtc-sample-conference-node subtracts the timestamp, and cleans up once by event and participantId.
        // Bandwidth-Samples/webrtc-voiceconf-ts compares event and participantId with what it got from createParticipant.
        List<double> delays = [];
        var timeouts = new HashSet<string>();
        _receiver.Respond = (_, received) =>
        {
            var payload = received.Json;
            lock (delays)
            {
                delays.Add(DateTimeOffset.UtcNow.ToUnixTimeMilliseconds() - double.Parse(payload.GetProperty("timestamp").GetString()!, CultureInfo.InvariantCulture));
                if (payload.GetProperty("event").GetString() == "onLeave")
                    Assert.True(timeouts.Remove(payload.GetProperty("participantId").GetString()!));
            }

            return Task.CompletedTask;
        };
        var party = await CreateAsync("conference");
        timeouts.Add(party.Id);
        await using var device = await ConnectAsync(party);
        await device.SendAsync("""{"jsonrpc":"2.0","method":"leave"}""");

        await ToldAsync(device, "onConnect", "onLeave");
        await Eventually.IsAsync(0, () => timeouts.Count);
        Assert.All(delays, delay => Assert.InRange(delay, -1_000, 60_000));
    }

    private async Task<IReadOnlyList<JsonElement>> FeedAsync(int count)
    {
        using var limit = new CancellationTokenSource(TestDevice.Limit);
        while (true)
        {
            var events = (await _account.GetAsync("/events")).Json.EnumerateArray().ToArray();
            if (events.Length >= count)
                return events;
            await Task.Delay(TimeSpan.FromMilliseconds(50), limit.Token);
        }
    }

    private static IEnumerable<string> TypesOf(IEnumerable<JsonElement> events, Party party)
        => events.Where(told => told.GetProperty("data").GetProperty("participantId").GetString() == party.Id)
            .Select(told => told.GetProperty("type").GetString()!);

    private sealed class DeliveringServer(AzuriteFixture azurite) : GatewayServer(azurite)
    {
        protected override bool DeliversEvents => true;
    }
}
