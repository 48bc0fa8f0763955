using System.Collections.Concurrent;
using Sessions.Media;
using Sessions.Testing.Media;

namespace Sessions.Tests.Gateway;

/// <summary>Tests with devices that send and receive real packets through a gateway, on loopback.</summary>
public abstract class MediaTestBase(AzuriteFixture azurite, string address = "127.0.0.1") : IAsyncLifetime
{
    /// <summary>The number of packets, one every 20 ms, after which an unexpected packet would have arrived.</summary>
    private protected const int Enough = 25;

    private readonly ConcurrentBag<MediaDevice> _devices = [];
    private MediaDevice? _witness;

    private protected MediaServer Server { get; } = new(azurite, address);

    private protected Account Account { get; private set; } = null!;

    private protected string Session { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        await Server.InitializeAsync();
        Account = await Server.NewAccountAsync();
        Session = await Account.CreateSessionAsync();
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var device in _devices)
            await device.DisposeAsync();
        await Server.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    private protected Task<MediaDevice> ConnectAsync(Party party, bool isTcpOnly = false)
        => ConnectAsync(new MediaDevice(Server.Url, party.Token, isTcpOnly));

    private protected async Task<MediaDevice> ConnectAsync(MediaDevice device)
    {
        _devices.Add(device);
        await device.ConnectAsync();
        return device;
    }

    private protected async Task<(Party Party, MediaDevice Device)> JoinAsync(
        string body = Party.Publisher, bool isTcpOnly = false, string? session = null)
    {
        var party = await Party.CreateAsync(Account, body);
        await party.JoinAsync(session ?? Session);
        return (party, await ConnectAsync(party, isTcpOnly));
    }

    private protected static async Task HearsAsync(MediaDevice device, string streamId, MediaKind kind = MediaKind.Audio, int packets = 5)
    {
        var before = device[streamId, kind].Packets;
        await Eventually.IsAsync(true, () => device[streamId, kind].Packets >= before + packets);
    }

    /// <summary>
    /// Waits for the effect of a change. The device is offered exactly these streams, and receives no packets of others afterwards.
    /// </summary>
    private protected async Task HearsOnlyAsync(MediaDevice device, params string[] streamIds)
    {
        await Eventually.IsAsync(true, () => device.Offered.Keys.Order().SequenceEqual(streamIds.Order()));

        // Waits for packets of a stream that the device receives, because elapsed time alone would not show that the gateway forwards.
        var (other, heard) = streamIds is [var first, ..] ? (device, first) : (await WitnessAsync(), "witness");
        await HearsAsync(other, heard); // Packets sent earlier have arrived.
        var before = Others();
        await HearsAsync(other, heard, packets: Enough);
        Assert.Equal(before, Others());

        Dictionary<(string, MediaKind), Received> Others() => device.All.Where(entry => !streamIds.Contains(entry.Key.StreamId)).ToDictionary();
    }

    /// <summary>A device that receives a stream in its own session.</summary>
    private async Task<MediaDevice> WitnessAsync()
    {
        if (_witness is not null)
            return _witness;

        var session = await Account.CreateSessionAsync();
        var (_, speaking) = await JoinAsync(session: session);
        (_, _witness) = await JoinAsync(session: session);
        await speaking.PublishAsync("witness");
        return _witness;
    }

    private protected async Task<(Party Speaker, MediaDevice Speaking, Party Listener, MediaDevice Listening)> CallAsync(bool isTcpOnly = false)
    {
        var (speaker, speaking) = await JoinAsync(isTcpOnly: isTcpOnly);
        var (listener, listening) = await JoinAsync(isTcpOnly: isTcpOnly);
        await speaking.PublishAsync("s:camera");
        await HearsAsync(listening, "s");
        await HearsAsync(listening, "s", MediaKind.Video);
        return (speaker, speaking, listener, listening);
    }
}

/// <summary>A gateway that devices on this machine can reach.</summary>
internal sealed class MediaServer(AzuriteFixture azurite, string address = "127.0.0.1") : GatewayServer(azurite)
{
    protected override IReadOnlyDictionary<string, string?> GatewaySettings
        => new Dictionary<string, string?> { ["Gateway:PublicAddresses"] = address };
}
