using System.Net.WebSockets;
using Sessions.Media;
using Sessions.Testing.Media;

namespace Sessions.Tests.Gateway;

/// <summary>Devices that send and receive real packets through the gateway, on loopback.</summary>
public sealed class MediaTests(AzuriteFixture azurite) : IAsyncLifetime
{
    private static readonly TimeSpan Silence = TimeSpan.FromMilliseconds(300);

    private readonly MediaServer _server = new(azurite);
    private readonly List<MediaDevice> _devices = [];
    private Account _account = null!;
    private string _session = null!;

    public async ValueTask InitializeAsync()
    {
        await _server.InitializeAsync();
        _account = await _server.NewAccountAsync();
        _session = await _account.CreateSessionAsync();
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var device in _devices)
            await device.DisposeAsync();
        await _server.DisposeAsync();
    }

    private async Task<MediaDevice> ConnectAsync(Party party, bool isTcpOnly = false)
    {
        var device = new MediaDevice(_server.Url, party.Token, isTcpOnly);
        _devices.Add(device);
        await device.ConnectAsync();
        return device;
    }

    private async Task<(Party Party, MediaDevice Device)> JoinAsync(string body = Party.Publisher, bool isTcpOnly = false)
    {
        var party = await Party.CreateAsync(_account, body);
        await party.JoinAsync(_session);
        return (party, await ConnectAsync(party, isTcpOnly));
    }

    private static async Task HearsAsync(MediaDevice device, string streamId, MediaKind kind = MediaKind.Audio, int packets = 5)
    {
        var before = device[streamId, kind].Packets;
        await Eventually.IsAsync(true, () => device[streamId, kind].Packets >= before + packets);
    }

    /// <summary>Waits until the device is offered exactly these streams: the effect of a change. Nothing of others follows.</summary>
    private static async Task HearsOnlyAsync(MediaDevice device, params string[] streamIds)
    {
        await Eventually.IsAsync(true, () => device.Offered.Keys.Order().SequenceEqual(streamIds.Order()));

        // What was under way has come.
        await Task.Delay(Silence);
        var before = device.All.Where(entry => !streamIds.Contains(entry.Key.StreamId)).ToDictionary();
        await Task.Delay(Silence);
        Assert.Equal(before, device.All.Where(entry => !streamIds.Contains(entry.Key.StreamId)).ToDictionary());
    }

    private async Task<(Party Speaker, MediaDevice Speaking, Party Listener, MediaDevice Listening)> CallAsync(bool isTcpOnly = false)
    {
        var (speaker, speaking) = await JoinAsync(isTcpOnly: isTcpOnly);
        var (listener, listening) = await JoinAsync(isTcpOnly: isTcpOnly);
        await speaking.PublishAsync("s:camera");
        await HearsAsync(listening, "s");
        await HearsAsync(listening, "s", MediaKind.Video);
        return (speaker, speaking, listener, listening);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_stream_arrives_once_and_in_order_over_UDP_and_over_TCP(bool isTcpOnly)
    {
        var (_, _, _, listening) = await CallAsync(isTcpOnly);

        foreach (var kind in new[] { MediaKind.Audio, MediaKind.Video })
            Assert.Equal((0, 0), (listening["s", kind].Duplicates, listening["s", kind].Disordered));
        Assert.Equal("camera", listening.Offered["s"]);
    }

    [Fact]
    public async Task What_is_unpublished_stops_and_comes_again_when_it_is_published_again()
    {
        var (_, speaking, _, listening) = await CallAsync();

        await speaking.PublishAsync();
        await HearsOnlyAsync(listening);
        await speaking.PublishAsync("again:screen");

        await HearsAsync(listening, "again");
        await HearsAsync(listening, "again", MediaKind.Video);
        Assert.Equal("screen", listening.Offered["again"]);
    }

    [Fact]
    public async Task A_telephone_event_passes_through()
    {
        var (_, speaking, _, listening) = await CallAsync();

        speaking.SendEvent("s", 5);

        await Eventually.IsAsync(1, () => listening["s", MediaKind.Audio].Events);
    }

    [Fact]
    public async Task Subscriptions_change_while_media_flow()
    {
        var (speaker, speaking, listener, listening) = await CallAsync();
        await speaking.PublishAsync("s:camera", "t:screen");
        await HearsAsync(listening, "t");

        await _account.PutAsync(
            $"/sessions/{_session}/participants/{listener.Id}/subscriptions",
            $$"""{"sessionId":"{{_session}}","participants":[{"participantId":"{{speaker.Id}}","streamAliases":["screen"]}]}""");

        await HearsOnlyAsync(listening, "t");
        await HearsAsync(listening, "t");
        await _account.PutAsync(
            $"/sessions/{_session}/participants/{listener.Id}/subscriptions", $$"""{"sessionId":"{{_session}}"}""");
        await HearsAsync(listening, "s");
        await HearsAsync(listening, "s", MediaKind.Video);
    }

    [Fact]
    public async Task Who_is_removed_hears_nothing_and_is_not_heard()
    {
        var (speaker, _, _, listening) = await CallAsync();

        await _account.DeleteAsync($"/sessions/{_session}/participants/{speaker.Id}");

        await HearsOnlyAsync(listening);
    }

    [Fact]
    public async Task A_deleted_session_is_silent()
    {
        var (_, _, _, listening) = await CallAsync();

        await _account.DeleteAsync($"/sessions/{_session}");

        await HearsOnlyAsync(listening);
    }

    [Fact]
    public async Task A_deleted_participant_is_closed_with_1000_and_its_packets_reach_nobody()
    {
        var (speaker, speaking, _, listening) = await CallAsync();

        await _account.DeleteAsync($"/participants/{speaker.Id}");

        Assert.Equal(WebSocketCloseStatus.NormalClosure, await speaking.Closed.WaitAsync(TestDevice.Limit));
        await HearsOnlyAsync(listening);
    }

    [Fact]
    public async Task Packets_of_a_kind_that_may_not_be_published_reach_nobody()
    {
        var (_, speaking) = await JoinAsync("""{"publishPermissions":["AUDIO"]}""");
        var (_, listening) = await JoinAsync();

        await speaking.PublishAsync("s");

        await HearsAsync(listening, "s", packets: 20);
        Assert.Equal(0, listening["s", MediaKind.Video].Packets);
    }

    [Fact]
    public async Task Media_go_on_without_a_WebSocket_and_later_changes_arrive_after_it_is_back()
    {
        var (_, speaking, _, listening) = await CallAsync();

        speaking.Abort();
        listening.Abort();
        await HearsAsync(listening, "s", packets: 20);
        await speaking.ConnectAsync();
        await listening.ConnectAsync();
        await speaking.PublishAsync("s", "t");

        await HearsAsync(listening, "t");
    }

    [Fact]
    public async Task After_an_ICE_restart_media_come_from_another_socket()
    {
        var (_, speaking, _, listening) = await CallAsync();

        speaking.RestartIce();
        await speaking.PublishAsync("s:camera");

        await HearsAsync(listening, "s", packets: 50);
        Assert.Equal(0, listening["s", MediaKind.Audio].Duplicates);
    }

    [Fact]
    public async Task Two_devices_of_one_participant_are_both_heard_and_both_hear()
    {
        var (speaker, _, listener, listening) = await CallAsync();
        var (alsoSpeaking, alsoListening) = (await ConnectAsync(speaker), await ConnectAsync(listener));

        await alsoSpeaking.PublishAsync("t");

        await HearsAsync(listening, "t");
        await HearsAsync(alsoListening, "s");
        await HearsAsync(alsoListening, "t", MediaKind.Video);
    }

    [Fact]
    public async Task Lost_packets_of_video_are_asked_for_and_come()
    {
        var (_, _, _, listening) = await CallAsync();
        // An odd number: sound and picture take turns.
        var count = 0;
        listening.Loses = () => Interlocked.Increment(ref count) % 21 == 0;

        // A packet that is sent again comes after later ones.
        await Eventually.IsAsync(true, () => listening["s", MediaKind.Video].Disordered > 0);
    }

    [Fact]
    public async Task A_new_subscriber_gets_a_key_frame()
    {
        var (_, _, _, _) = await CallAsync();

        var (_, late) = await JoinAsync();

        await HearsAsync(late, "s", MediaKind.Video);
        Assert.True(late["s", MediaKind.Video].KeyFrames > 0);
    }
}

/// <summary>A gateway that devices on this machine reach.</summary>
internal sealed class MediaServer(AzuriteFixture azurite) : GatewayServer(azurite)
{
    protected override IReadOnlyDictionary<string, string?> GatewaySettings
        => new Dictionary<string, string?> { ["Gateway:PublicAddresses"] = "127.0.0.1" };
}
