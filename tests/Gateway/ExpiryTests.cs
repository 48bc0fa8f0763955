using System.Net.WebSockets;
using Sessions.Media;

namespace Sessions.Tests.Gateway;

/// <summary>Sessions and participants that expire while media flow. They expire after 9 hours, which the tests skip.</summary>
public sealed class ExpiryTests(AzuriteFixture azurite) : MediaTestBase(azurite)
{
    private static readonly TimeSpan HalfALife = TimeSpan.FromHours(5);

    [Fact]
    public async Task An_expired_participant_is_closed_with_1000_and_its_packets_are_not_forwarded()
    {
        var old = await Party.CreateAsync(Account);
        Server.Time.Advance(HalfALife);
        var session = await Account.CreateSessionAsync();
        await old.JoinAsync(session);
        var expiring = await ConnectAsync(old);
        var (_, speaking) = await JoinAsync(session: session);
        var (_, listening) = await JoinAsync(session: session);
        await expiring.PublishAsync("e");
        await speaking.PublishAsync("s");
        await HearsAsync(listening, "e");
        await HearsAsync(listening, "s");

        Server.Time.Advance(HalfALife);

        Assert.Equal(WebSocketCloseStatus.NormalClosure, await expiring.Closed.WaitAsync(TestDevice.Limit));
        await HearsAsync(listening, "s"); // For the gateway, both devices have been silent for hours.
        await HearsOnlyAsync(listening, "s");
        await HearsAsync(listening, "s", MediaKind.Video);
    }

    [Fact]
    public async Task An_expired_session_forwards_no_media_and_its_participants_can_join_another()
    {
        Server.Time.Advance(HalfALife);
        var (speaker, speaking, listener, listening) = await CallAsync();

        Server.Time.Advance(HalfALife);

        await HearsOnlyAsync(listening);
        var another = await Account.CreateSessionAsync();
        await speaker.JoinAsync(another);
        await listener.JoinAsync(another);
        await HearsAsync(listening, "s");
        await HearsAsync(listening, "s", MediaKind.Video);
        Assert.False(speaking.Closed.IsCompleted || listening.Closed.IsCompleted);
    }
}
