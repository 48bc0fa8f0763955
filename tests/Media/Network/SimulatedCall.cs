using System.Collections.Concurrent;
using System.Net;
using Sessions.Media;

namespace Sessions.Tests.Media.Network;

/// <summary>A media engine with its devices, and the network between them.</summary>
internal sealed class SimulatedCall : IDisposable
{
    // As frequently as in the gateway.
    private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(10);

    private readonly ConcurrentQueue<Peer> _woken = new();
    private readonly Outbox _outbox = new();
    private readonly List<SimulatedDevice> _devices = [];
    private int _nextPort = 1024;

    public SimulatedCall(int seed = 0)
    {
        // As large as it ever becomes, because a test measures what the engine allocates.
        _outbox.Reserve(256 * 1024);
        for (var datagram = 0; datagram < 256; datagram++)
            _outbox.Commit(null!, 0);
        _outbox.Clear();
        Network = new(seed);
        Engine = new(() => Network.Now, () => ["1 1 udp 2130706431 192.0.2.1 7072 typ host"], _woken.Enqueue);
        Network.Schedule(Network.Now, Advance);
    }

    public VirtualNetwork Network { get; }

    /// <summary>Whether devices record the datagrams that they send.</summary>
    public bool IsRecording { get; set; }

    public MediaEngine Engine { get; }

    public TimeSpan Now => Network.Now;

    /// <summary>Configures new links. Existing links do not change.</summary>
    public Action<Link> Conditions { get; set; } = _ => { };

    /// <summary>The bytes of memory that the engine has allocated to receive and forward.</summary>
    public long Allocated { get; private set; }

    /// <summary>The number of datagrams that the engine has sent.</summary>
    public long Sent { get; private set; }

    /// <summary>The number of datagrams sent to flows that have not passed a check, which must stay 0.</summary>
    public long SentToStrangers { get; private set; }

    public PublishingDevice AddPublisher(string streamId, bool hasVideo = true)
        => Add(new PublishingDevice(this, Engine.CreatePublishingPeer(), streamId, hasVideo));

    public SubscribingDevice AddSubscriber() => Add(new SubscribingDevice(this, Engine.CreateSubscribingPeer()));

    public void Remove(SimulatedDevice device)
    {
        _devices.Remove(device);
        device.Dispose();
    }

    /// <summary>Creates a new address of a device, with its own links.</summary>
    public DeviceFlow CreateFlow(SimulatedDevice device)
    {
        var flow = new DeviceFlow(new(IPAddress.Parse("198.51.100.1"), _nextPort++), device, new(Network), new(Network));
        Conditions(flow.Up);
        Conditions(flow.Down);
        return flow;
    }

    public void Run(double seconds) => Network.Run(TimeSpan.FromSeconds(seconds));

    /// <summary>Advances the time until something has happened. Fails if it has not happened within <paramref name="seconds"/>.</summary>
    public TimeSpan RunUntil(Func<bool> hasHappened, double seconds)
    {
        var start = Now;
        while (!hasHappened())
        {
            Assert.True(Now - start < TimeSpan.FromSeconds(seconds), $"It has not happened within {seconds} s.");
            Network.Run(Tick);
        }

        return Now - start;
    }

    /// <summary>Passes a datagram to the engine, and sends the engine's output.</summary>
    public void Receive(byte[] datagram, DeviceFlow flow)
    {
        // Each copy belongs to its receiver, because the receiver overwrites it.
        var copy = datagram.AsSpan().ToArray();
        var before = GC.GetAllocatedBytesForCurrentThread();
        Engine.Receive(copy, flow.AtServer, Now, _outbox);
        var allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        Allocated += allocated;
        flow.Device.Peer.WaitForHandshake();
        Send();
    }

    public void Dispose()
    {
        foreach (var device in _devices)
            device.Dispose();
    }

    private T Add<T>(T device)
        where T : SimulatedDevice
    {
        _devices.Add(device);
        device.AddFlow();
        return device;
    }

    private void Advance()
    {
        Engine.Advance(Now, _outbox);
        foreach (var device in _devices.ToArray())
        {
            device.Peer.WaitForHandshake();
            device.Advance();
        }

        Send();
        Network.Schedule(Now + Tick, Advance);
    }

    private void Send()
    {
        while (_woken.TryDequeue(out var peer))
            MediaEngine.Advance(peer, Now, _outbox);

        Sent += _outbox.Count;
        for (var i = 0; i < _outbox.Count; i++)
        {
            var (flow, datagram) = _outbox[i];
            if (flow.Owner is null)
                SentToStrangers++;
            var client = ((ServerFlow)flow).Device;
            var (copy, step) = (datagram.ToArray(), Network.Step);
            client.Down.Send(copy.Length, () => client.Device.Receive(copy.AsSpan().ToArray(), client, step));
        }

        _outbox.Clear();
    }
}

/// <summary>A device's address at the device's end.</summary>
internal sealed class DeviceFlow : Flow
{
    public DeviceFlow(IPEndPoint address, SimulatedDevice device, Link up, Link down)
        : base(new(IPAddress.Parse("192.0.2.1"), 7072))
        => (Device, Up, Down, AtServer) = (device, up, down, new(address, this));

    public SimulatedDevice Device { get; }

    public Link Up { get; }

    public Link Down { get; }

    /// <summary>The server's end.</summary>
    public ServerFlow AtServer { get; }
}

/// <summary>A device's address at the server's end.</summary>
internal sealed class ServerFlow(IPEndPoint remote, DeviceFlow device) : Flow(remote)
{
    public DeviceFlow Device => device;
}
