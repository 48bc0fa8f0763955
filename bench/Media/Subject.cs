using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Configuration;
using Sessions.Bench;
using Sessions.Gateway;

namespace Sessions.MediaBench;

/// <summary>A server that is measured, in a process of its own.</summary>
internal abstract class Subject(string name) : IAsyncDisposable
{
    /// <summary>The address of all servers and devices: one of this machine's interfaces, because Janus offers no loopback address.</summary>
    public static IPAddress Address { get; } = GatewayOptions.Read(new ConfigurationBuilder().Build()).PublicAddresses
        .First(address => address.AddressFamily == AddressFamily.InterNetwork);

    /// <summary>How tables call it.</summary>
    public string Name => name;

    public abstract RunningProgram Program { get; }

    /// <summary>Whether the server does not encrypt: then connections have no certificate.</summary>
    public virtual bool IsPlain => false;

    /// <summary>Whether the device begins the handshake of the connection over which it publishes.</summary>
    public virtual bool IsPublisherDtlsClient => true;

    /// <summary>Makes a publisher of a connection.</summary>
    public abstract Task PublishAsync(int session, LoadConnection connection, LoadTrack audio, LoadTrack video);

    /// <summary>Subscribes a connection to publishers, which are counted in the order in which they were made.</summary>
    public abstract Task SubscribeAsync(int session, LoadConnection connection, int[] publishers);

    /// <summary>The server's heaps and stacks in bytes, after a garbage collection if it has one.</summary>
    public virtual Task<long> MeasureMemoryAsync() => Task.FromResult(Program.AnonymousMemory);

    public virtual ValueTask DisposeAsync() => Program.DisposeAsync();
}
