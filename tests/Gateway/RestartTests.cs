using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Logging;
using Sessions.Gateway;
using Sessions.Media;
using Sessions.Media.Ice;
using Sessions.Testing.Media;

namespace Sessions.Tests.Gateway;

/// <summary>A separate gateway beside the API, which stops and restarts without its state.</summary>
public sealed class RestartTests(AzuriteFixture azurite) : MediaTestBase(azurite)
{
    private async Task<WebApplication> StartAsync(string url)
    {
        var builder = WebApplication.CreateSlimBuilder(
        [
            $"--urls={url}",
            $"--Sessions:StorageConnectionString={Server.ConnectionString}",
            $"--Sessions:TokenSigningKey={ApiServer.TokenSigningKey}",
            "--Gateway:PublicAddresses=127.0.0.1",
        ]);
        builder.Logging.ClearProviders().AddProvider(CapturedLogs.Provider);
        var gateway = GatewayProgram.Build(builder);
        await gateway.StartAsync();
        return gateway;
    }

    private async Task<MediaDevice> ConnectAsync(Party party, string url)
        => await ConnectAsync(new MediaDevice(new(url), party.Token) { Recovers = true });

    private static async Task HearEachOtherAsync(MediaDevice ann, MediaDevice bob)
    {
        foreach (var kind in new[] { MediaKind.Audio, MediaKind.Video })
        {
            await HearsAsync(ann, "b", kind);
            await HearsAsync(bob, "a", kind);
        }
    }

    [Fact]
    public async Task After_a_gateway_restart_devices_reconnect_and_receive_each_other()
    {
        var (first, second) = (await Party.CreateAsync(Account), await Party.CreateAsync(Account));
        await first.JoinAsync(Session);
        await second.JoinAsync(Session);
        string url;
        MediaDevice ann, bob;
        await using (var gateway = await StartAsync("http://127.0.0.1:0"))
        {
            url = gateway.Urls.First();
            (ann, bob) = (await ConnectAsync(first, url), await ConnectAsync(second, url));

            // Each device has then had more sections than a gateway without its state offers.
            await ann.PublishAsync("a", "gone");
            await bob.PublishAsync("b");
            await HearsAsync(bob, "gone");
            await ann.PublishAsync("a");
            await HearEachOtherAsync(ann, bob);
        }

        await using var again = await StartAsync(url);
        ann.Advance(IceLite.ConsentLifetime);
        bob.Advance(IceLite.ConsentLifetime);

        await HearEachOtherAsync(ann, bob);
        Assert.Equal(["a"], bob.Offered.Keys);
    }
}
