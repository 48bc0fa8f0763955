using System.Net.WebSockets;
using Sessions.Media;
using Sessions.Testing.Media;

namespace Sessions.Tests.Gateway;

/// <summary>Devices that send and receive real packets through the gateway, on loopback.</summary>
public sealed class MediaTests(AzuriteFixture azurite) : MediaTestBase(azurite)
{
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
    public async Task An_unpublished_stream_stops_and_a_stream_published_later_arrives()
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
    public async Task A_telephone_event_is_forwarded()
    {
        var (_, speaking, _, listening) = await CallAsync();

        speaking.SendEvent("s", 5);

        await Eventually.IsAsync(1, () => listening["s", MediaKind.Audio].Events);
    }

    [Fact]
    public async Task Changed_subscriptions_take_effect_while_media_flows()
    {
        var (speaker, speaking, listener, listening) = await CallAsync();
        await speaking.PublishAsync("s:camera", "t:screen");
        await HearsAsync(listening, "t");

        await Account.PutAsync(
            $"/sessions/{Session}/participants/{listener.Id}/subscriptions",
            $$"""{"sessionId":"{{Session}}","participants":[{"participantId":"{{speaker.Id}}","streamAliases":["screen"]}]}""");

        await HearsOnlyAsync(listening, "t");
        await HearsAsync(listening, "t");
        await Account.PutAsync(
            $"/sessions/{Session}/participants/{listener.Id}/subscriptions", $$"""{"sessionId":"{{Session}}"}""");
        await HearsAsync(listening, "s");
        await HearsAsync(listening, "s", MediaKind.Video);
    }

    [Fact]
    public async Task A_subscription_without_aliases_receives_every_stream_of_the_participant()
    {
        var (speaker, speaking, listener, listening) = await CallAsync();
        var (_, other) = await JoinAsync();
        await other.PublishAsync("o:camera");
        await HearsAsync(listening, "o");

        await Account.PutAsync(
            $"/sessions/{Session}/participants/{listener.Id}/subscriptions", $$"""{"participants":[{"participantId":"{{speaker.Id}}"}]}""");
        await HearsOnlyAsync(listening, "s");
        await speaking.PublishAsync("s:camera", "t:screen", "u");

        await HearsOnlyAsync(listening, "s", "t", "u");
        foreach (var stream in new[] { "s", "t", "u" })
        {
            await HearsAsync(listening, stream);
            await HearsAsync(listening, stream, MediaKind.Video);
        }
    }

    [Fact]
    public async Task A_muted_publisher_keeps_its_stream_and_is_received_again_after_unmuting()
    {
        var (_, speaking, _, listening) = await CallAsync();
        var (_, other) = await JoinAsync();
        await other.PublishAsync("o");
        await HearsAsync(listening, "o");

        speaking.IsSilent = true;

        // The gateway has nothing to stop, so packets that were sent before may still arrive.
        Received? before = null;
        for (var tries = 0; tries < 10 && before != listening["s", MediaKind.Audio]; tries++)
        {
            before = listening["s", MediaKind.Audio];
            await HearsAsync(listening, "o", packets: Enough);
        }

        Assert.Equal(before, listening["s", MediaKind.Audio]);
        Assert.Equal(["o", "s"], listening.Offered.Keys.Order());
        speaking.IsSilent = false;

        await HearsAsync(listening, "s");
        await HearsAsync(listening, "s", MediaKind.Video);
    }

    [Fact]
    public async Task A_participant_removed_from_the_session_is_no_longer_received()
    {
        var (speaker, _, _, listening) = await CallAsync();

        await Account.DeleteAsync($"/sessions/{Session}/participants/{speaker.Id}");

        await HearsOnlyAsync(listening);
    }

    [Fact]
    public async Task A_deleted_session_forwards_no_media()
    {
        var (_, _, _, listening) = await CallAsync();

        await Account.DeleteAsync($"/sessions/{Session}");

        await HearsOnlyAsync(listening);
    }

    [Fact]
    public async Task A_deleted_participant_is_closed_with_1000_and_its_packets_are_not_forwarded()
    {
        var (speaker, speaking, _, listening) = await CallAsync();

        await Account.DeleteAsync($"/participants/{speaker.Id}");

        Assert.Equal(WebSocketCloseStatus.NormalClosure, await speaking.Closed.WaitAsync(TestDevice.Limit));
        await HearsOnlyAsync(listening);
    }

    [Fact]
    public async Task Packets_of_a_media_kind_that_may_not_be_published_are_not_forwarded()
    {
        var (_, speaking) = await JoinAsync("""{"publishPermissions":["AUDIO"]}""");
        var (_, listening) = await JoinAsync();

        await speaking.PublishAsync("s");

        await HearsAsync(listening, "s", packets: 20);
        Assert.Equal(0, listening["s", MediaKind.Video].Packets);
    }

    [Fact]
    public async Task Media_continues_without_a_WebSocket_and_changes_arrive_after_reconnecting()
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
    public async Task A_device_that_connects_twice_keeps_its_media_and_gets_changes_on_the_newer_connection()
    {
        var (_, speaking, _, listening) = await CallAsync();

        foreach (var device in new[] { speaking, listening })
        {
            var older = device.Closed;
            await device.ConnectAsync();
            Assert.Equal(WebSocketCloseStatus.NormalClosure, await older.WaitAsync(TestDevice.Limit));
            await HearsAsync(listening, "s", packets: Enough);
            await HearsAsync(listening, "s", MediaKind.Video);
        }

        await speaking.PublishAsync("t");
        await HearsOnlyAsync(listening, "t");
    }

    [Fact]
    public async Task A_device_with_the_uniqueId_of_another_device_replaces_it()
    {
        var (speaker, speaking, _, listening) = await CallAsync();

        var newer = await ConnectAsync(new MediaDevice(Server.Url, speaker.Token) { UniqueId = speaking.UniqueId });
        Assert.Equal(WebSocketCloseStatus.NormalClosure, await speaking.Closed.WaitAsync(TestDevice.Limit));
        await HearsAsync(listening, "s", packets: Enough);
        await newer.PublishAsync("t");

        await HearsOnlyAsync(listening, "t");
        await HearsAsync(listening, "t", MediaKind.Video);
    }

    [Fact]
    public async Task Both_devices_of_a_participant_send_and_receive_media()
    {
        var (speaker, _, listener, listening) = await CallAsync();
        var (alsoSpeaking, alsoListening) = (await ConnectAsync(speaker), await ConnectAsync(listener));

        await alsoSpeaking.PublishAsync("t");

        foreach (var device in new[] { listening, alsoListening })
        {
            await HearsAsync(device, "s");
            await HearsAsync(device, "t");
            await HearsAsync(device, "t", MediaKind.Video);
        }
    }

    [Fact]
    public async Task Lost_video_packets_are_requested_and_retransmitted()
    {
        var (_, _, _, listening) = await CallAsync();
        // An odd number, because audio and video packets alternate.
        var count = 0;
        listening.Loses = () => Interlocked.Increment(ref count) % 21 == 0;

        // A retransmitted packet arrives after later ones.
        await Eventually.IsAsync(true, () => listening["s", MediaKind.Video].Disordered > 0);
    }

    [Fact]
    public async Task The_first_video_packet_for_a_new_subscriber_starts_a_key_frame()
    {
        // The publisher sends a key frame only on request.
        var (_, speaking, _, listening) = await CallAsync();
        await HearsAsync(listening, "s", MediaKind.Video, packets: Enough);

        var (_, late) = await JoinAsync();

        await HearsAsync(late, "s", MediaKind.Video);
        Assert.True(late["s", MediaKind.Video].StartsWithKeyFrame);
        Assert.True(speaking.KeyFramesSent > 1);
    }
}
