using System.Net.WebSockets;
using System.Text.Json;
using Sessions.Gateway;
using Sessions.Model;
using Sessions.Storage;

namespace Sessions.Tests.Gateway;

/// <summary>The streams that each device receives, from the API's requests to the offers to devices.</summary>
public sealed class SessionTests(AzuriteFixture azurite) : IAsyncLifetime
{
    private readonly GatewayServer _server = new(azurite);
    private Account _account = null!;
    private string _session = "";

    public async ValueTask InitializeAsync()
    {
        await _server.InitializeAsync();
        _account = await _server.NewAccountAsync();
        _session = await _account.CreateSessionAsync();
    }

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    private Task<TestDevice> ConnectAsync(Party party, string? uniqueId = null) => TestDevice.ConnectAsync(_server.Url, party, uniqueId);

    private Task<Party> CreateAsync() => Party.CreateAsync(_account);

    /// <summary>
    /// A device that receives the whole session, and a device that publishes the stream "s" with the alias "camera" in it.
    /// </summary>
    private async Task<(Party Listener, TestDevice Listening, Party Speaker, TestDevice Speaking)> CallAsync()
    {
        var (listener, speaker) = (await CreateAsync(), await CreateAsync());
        await listener.JoinAsync(_session);
        await speaker.JoinAsync(_session);
        var (listening, speaking) = (await ConnectAsync(listener), await ConnectAsync(speaker));
        await speaking.PublishAsync("s:camera");
        await listening.TakeOffersUntilAsync("s");
        return (listener, listening, speaker, speaking);
    }

    [Fact]
    public async Task A_member_is_offered_the_streams_that_another_publishes()
    {
        var (listener, speaker) = (await CreateAsync(), await CreateAsync());
        await listener.JoinAsync(_session);
        await speaker.JoinAsync(_session);
        await using var listening = await ConnectAsync(listener);
        await using var speaking = await ConnectAsync(speaker);

        var before = _server.Time.GetUtcNow().ToUnixTimeMilliseconds();
        var published = (await speaking.PublishAsync("s:camera")).GetProperty("result");
        var offer = await listening.TakeOfferAsync();

        Assert.Contains("a=msid:s ", offer.GetProperty("sdpOffer").GetString(), StringComparison.Ordinal);
        Assert.True(offer.GetProperty("sdpRevision").GetInt64() >= before);
        Assert.NotEqual(published.GetProperty("endpointId").GetString(), offer.GetProperty("endpointId").GetString());
        Assert.True(JsonElement.DeepEquals(published.GetProperty("streamMetadata"), offer.GetProperty("streamMetadata")), $"{offer}");
    }

    [Fact]
    public async Task Streams_published_before_joining_are_received_after_joining()
    {
        var (listener, speaker) = (await CreateAsync(), await CreateAsync());
        await using var listening = await ConnectAsync(listener);
        await using var speaking = await ConnectAsync(speaker);
        await speaking.PublishAsync("s");

        await speaker.JoinAsync(_session);
        await listener.JoinAsync(_session);

        await listening.TakeOffersUntilAsync("s");
    }

    [Fact]
    public async Task Subscriptions_select_by_participant_and_alias()
    {
        var (_, listening, speaker, speaking) = await CallAsync();
        await using var _1 = listening;
        await using var _2 = speaking;
        await speaking.PublishAsync("s:camera", "t:screen", "u");
        await listening.TakeOffersUntilAsync("s", "t", "u");

        var third = await CreateAsync();
        await using var choosing = await ConnectAsync(third);
        await third.JoinAsync(_session, $$"""{"participants":[{"participantId":"{{speaker.Id}}","streamAliases":["screen"]}]}""");

        await choosing.TakeOffersUntilAsync("t");
    }

    [Fact]
    public async Task A_changed_alias_and_unpublishing_cause_new_offers()
    {
        var (_, listening, _, speaking) = await CallAsync();
        await using var _1 = listening;
        await using var _2 = speaking;

        await speaking.PublishAsync("s:screen");
        var renamed = await listening.TakeOfferAsync();
        await speaking.PublishAsync();
        var empty = await listening.TakeOfferAsync();

        Assert.Equal("screen", renamed.GetProperty("streamMetadata").GetProperty("s").GetProperty("alias").GetString());
        Assert.Empty(TestDevice.StreamsOf(empty));
        Assert.True(empty.GetProperty("sdpRevision").GetInt64() > renamed.GetProperty("sdpRevision").GetInt64());
    }

    [Fact]
    public async Task A_change_by_another_process_takes_effect_at_the_next_poll()
    {
        var (_, listening, speaker, speaking) = await CallAsync();
        await using var _1 = listening;
        await using var _2 = speaking;

        var outcome = await _server.DistantStore.LeaveAsync(
            AccountId.Parse(_account.Id), new(Guid.Parse(_session)), new(Guid.Parse(speaker.Id)), Precondition.None, CancellationToken.None);

        Assert.Equal(Outcome.Done, outcome);
        await listening.TakeOffersUntilAsync();
    }

    [Fact]
    public async Task A_change_by_this_process_takes_effect_without_a_poll()
    {
        var (listener, listening, speaker, speaking) = await CallAsync();
        await using var _1 = listening;
        await using var _2 = speaking;

        // No periodic read is due any more.
        _server.Time.Stop();
        await _account.DeleteAsync($"/sessions/{_session}/participants/{speaker.Id}");
        await listening.TakeOffersUntilAsync();
        await speaker.JoinAsync(_session);
        await listening.TakeOffersUntilAsync("s");
        await _account.PutAsync($"/sessions/{_session}/participants/{listener.Id}/subscriptions", "{}");
        await listening.TakeOffersUntilAsync();
    }

    [Fact]
    public async Task Members_of_a_deleted_session_receive_nothing_and_can_join_another()
    {
        var (listener, listening, speaker, speaking) = await CallAsync();
        await using var _1 = listening;
        await using var _2 = speaking;

        await _account.DeleteAsync($"/sessions/{_session}");
        await listening.TakeOffersUntilAsync();
        var another = await _account.CreateSessionAsync();
        await listener.JoinAsync(another);
        await speaker.JoinAsync(another);

        await listening.TakeOffersUntilAsync("s");
    }

    [Fact]
    public async Task A_deleted_participant_is_closed_with_1000_and_no_longer_received()
    {
        var (_, listening, speaker, speaking) = await CallAsync();
        await using var _1 = listening;
        await using var _2 = speaking;

        await _account.DeleteAsync($"/participants/{speaker.Id}");

        Assert.Equal(WebSocketCloseStatus.NormalClosure, await speaking.Closed);
        await listening.TakeOffersUntilAsync();
    }

    [Fact]
    public async Task A_participant_in_no_session_is_closed_with_1000_when_another_process_deletes_it()
    {
        var party = await CreateAsync();
        await using var device = await ConnectAsync(party);
        await device.CallAsync("ping");

        await _server.DistantStore.DeleteParticipantAsync(
            AccountId.Parse(_account.Id), new(Guid.Parse(party.Id)), Precondition.None, CancellationToken.None);

        Assert.Equal(WebSocketCloseStatus.NormalClosure, await device.Closed);
    }

    [Fact]
    public async Task Expired_participants_are_closed_with_1000_even_while_storage_fails()
    {
        var (_, listening, _, speaking) = await CallAsync();
        await using var _1 = listening;
        await using var _2 = speaking;
        _server.Faults.Choose = _ => StorageFault.Refused;

        _server.Time.Advance(TimeSpan.FromHours(9));

        Assert.Equal(WebSocketCloseStatus.NormalClosure, await speaking.Closed);
        Assert.Equal(WebSocketCloseStatus.NormalClosure, await listening.Closed);
        await Eventually.IsAsync((0, 0, 0), () => _server.Watch.Count);
    }

    [Fact]
    public async Task An_expired_member_is_no_longer_received()
    {
        var (speaker, session) = (await CreateAsync(), _session);
        _server.Time.Advance(TimeSpan.FromHours(4));
        var (listener, another) = (await CreateAsync(), await _account.CreateSessionAsync());
        await speaker.JoinAsync(another);
        await listener.JoinAsync(another);
        await using var speaking = await ConnectAsync(speaker);
        await using var listening = await ConnectAsync(listener);
        await speaking.PublishAsync("s");
        await listening.TakeOffersUntilAsync("s");

        _server.Time.Advance(TimeSpan.FromHours(5));

        await listening.TakeOffersUntilAsync();
        Assert.Equal(WebSocketCloseStatus.NormalClosure, await speaking.Closed);
    }

    [Fact]
    public async Task Calls_continue_while_storage_fails_and_changes_take_effect_afterwards()
    {
        var (_, listening, speaker, speaking) = await CallAsync();
        await using var _1 = listening;
        await using var _2 = speaking;
        var calls = _server.StorageCalls.Count;
        _server.Faults.Choose = _ => StorageFault.Refused;
        await Eventually.IsAsync(true, () => _server.StorageCalls.Count > calls);

        await speaking.PublishAsync("s:camera", "t");
        await listening.TakeOffersUntilAsync("s", "t");
        _server.Faults.Choose = _ => StorageFault.None;
        await _account.DeleteAsync($"/sessions/{_session}/participants/{speaker.Id}");

        await listening.TakeOffersUntilAsync();
    }

    [Fact]
    public async Task While_storage_fails_known_devices_can_reconnect_and_new_ones_are_closed_with_1013()
    {
        var (party, another) = (await CreateAsync(), await CreateAsync());
        await using var known = await TestDevice.ConnectAsync(_server.Url, party);
        await known.CallAsync("ping");
        _server.Faults.Choose = _ => StorageFault.Refused;
        known.Abort();
        await using var back = await TestDevice.ConnectAsync(_server.Url, party, known.UniqueId);
        await back.CallAsync("ping");
        await using var unknown = await TestDevice.ConnectAsync(
            _server.Url, another.Token);

        Assert.Equal((WebSocketCloseStatus)1013, await unknown.Closed);
    }

    [Fact]
    public async Task Without_devices_the_gateway_makes_no_storage_calls()
    {
        var (_, listening, _, speaking) = await CallAsync();
        await listening.SendAsync("""{"jsonrpc":"2.0","method":"leave"}""");
        await speaking.SendAsync("""{"jsonrpc":"2.0","method":"leave"}""");
        await Task.WhenAll(listening.Closed, speaking.Closed);
        Assert.Equal((0, 0, 0), _server.Watch.Count);

        // Reads in progress end first, and the gateway writes that the devices have left.
        using var limit = new CancellationTokenSource(TestDevice.Limit);
        do
        {
            _server.StorageCalls.Clear();
            await Task.Delay(3 * SessionWatch.Period, limit.Token);
        }
        while (_server.StorageCalls.Count > 0);
    }

    [Fact]
    public async Task A_stream_id_used_by_two_devices_belongs_to_the_first()
    {
        var (_, listening, speaker, speaking) = await CallAsync();
        await using var _1 = listening;
        await using var _2 = speaking;
        var thief = await CreateAsync();
        await thief.JoinAsync(_session);
        await using var stealing = await ConnectAsync(thief);

        await stealing.PublishAsync("s", "t");

        var offer = await listening.TakeOffersUntilAsync("s", "t");
        Assert.Equal(speaker.Id, offer.GetProperty("streamMetadata").GetProperty("s").GetProperty("participantId").GetString());
        Assert.Equal(thief.Id, offer.GetProperty("streamMetadata").GetProperty("t").GetProperty("participantId").GetString());
    }
}
