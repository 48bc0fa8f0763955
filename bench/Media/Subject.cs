using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Configuration;
using Sessions.Bench;
using Sessions.Gateway;

namespace Sessions.MediaBench;

/// <summary>A measured server, in a separate process.</summary>
internal abstract class Subject(string name) : IAsyncDisposable
{
    /// <summary>The address of all servers and devices: one of this machine's interfaces, because Janus offers no loopback address.</summary>
    public static IPAddress Address { get; } = GatewayOptions.Read(new ConfigurationBuilder().Build()).PublicAddresses
        .First(address => address.AddressFamily == AddressFamily.InterNetwork);

    /// <summary>The name in tables.</summary>
    public string Name => name;

    public abstract RunningProgram Program { get; }

    /// <summary>Whether the server does not encrypt. Connections then have no certificate.</summary>
    public virtual bool IsPlain => false;

    /// <summary>Whether the device starts the handshake of the connection over which it publishes.</summary>
    public virtual bool IsPublisherDtlsClient => true;

    /// <summary>Makes a connection a publisher.</summary>
    public abstract Task PublishAsync(int session, LoadConnection connection, LoadTrack audio, LoadTrack video);

    /// <summary>Subscribes a connection to publishers, which are given by their index in the order of creation.</summary>
    public abstract Task SubscribeAsync(int session, LoadConnection connection, int[] publishers);

    /// <summary>The server's heaps and stacks in bytes, after a garbage collection if it has one.</summary>
    public virtual Task<long> MeasureMemoryAsync() => Task.FromResult(Program.AnonymousMemory);

    public virtual ValueTask DisposeAsync() => Program.DisposeAsync();
}
