using Sessions.Media;
using Sessions.Media.Ice;

namespace Sessions.Tests.Gateway;

/// <summary>Devices whose network changes, and connections that have failed.</summary>
public sealed class NetworkChangeTests(AzuriteFixture azurite) : MediaTestBase(azurite)
{
    // A device checks more frequently than this.
    private static readonly TimeSpan BetweenChecks = TimeSpan.FromSeconds(6);

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Media_continues_when_either_device_changes_its_socket(bool isTcpOnly)
    {
        var (_, speaking, _, listening) = await CallAsync(isTcpOnly);

        foreach (var device in new[] { speaking, listening })
        {
            device.ChangeNetwork();
            await HearsAsync(listening, "s", packets: Enough);
            await HearsAsync(listening, "s", MediaKind.Video);
        }

        Assert.Equal(0, listening["s", MediaKind.Audio].Duplicates);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_publisher_that_lost_its_network_is_received_again_after_an_ICE_restart(bool isTcpOnly)
    {
        var (_, speaking, _, listening) = await CallAsync(isTcpOnly);

        speaking.LoseNetwork();
        speaking.RestartIce();
        await speaking.PublishAsync("s:camera");

        await HearsAsync(listening, "s", packets: Enough);
        await HearsAsync(listening, "s", MediaKind.Video);
        Assert.Equal(0, listening["s", MediaKind.Audio].Duplicates);
    }

    [Fact]
    public async Task A_subscriber_without_ICE_checks_for_30_seconds_is_offered_an_ICE_restart()
    {
        var (_, speaking, _, listening) = await CallAsync();

        listening.LoseNetwork();
        Server.Time.Advance(IceLite.ConsentLifetime);
        speaking.Advance(BetweenChecks);

        await HearsAsync(listening, "s", packets: Enough);
        await HearsAsync(listening, "s", MediaKind.Video);
    }

    [Fact]
    public async Task A_publisher_without_ICE_checks_for_30_seconds_is_not_offered_until_it_reconnects()
    {
        var (_, speaking, _, listening) = await CallAsync();

        speaking.LoseNetwork();
        Server.Time.Advance(IceLite.ConsentLifetime);
        listening.Advance(BetweenChecks);
        await HearsOnlyAsync(listening);
        speaking.RestartIce();
        await speaking.PublishAsync("s:camera");

        await HearsAsync(listening, "s");
        await HearsAsync(listening, "s", MediaKind.Video);
    }
}
