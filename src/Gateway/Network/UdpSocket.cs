using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Sessions.Media;

namespace Sessions.Gateway.Network;

/// <summary>
/// One of the UDP sockets of the media port, and the thread that serves it: it receives a datagram, hands it to the engine, and sends
/// what comes out, with no lock held. Where the system can, several sockets share the port, and a peer's datagrams all come to one
/// of them.
/// </summary>
internal sealed class UdpSocket : IDisposable
{
    // For a key frame to many subscribers at once; the system gives less where it allows less.
    private const int BufferBytes = 4 * 1024 * 1024;

    private const int MaxDatagram = 2048;

    private readonly MediaEngine _engine;
    private readonly ConcurrentDictionary<SocketAddress, UdpFlow> _flows;
    private readonly Func<TimeSpan> _time;
    private readonly Socket _socket;
    private volatile bool _isClosed;

    /// <exception cref="SocketException">The port cannot be bound.</exception>
    public UdpSocket(MediaEngine engine, ConcurrentDictionary<SocketAddress, UdpFlow> flows, Func<TimeSpan> time, int port, bool isShared)
    {
        (_engine, _flows, _time) = (engine, flows, time);
        _socket = Bind(port, isShared);
        LocalPort = ((IPEndPoint)_socket.LocalEndPoint!).Port;
    }

    public int LocalPort { get; }

    public void Start() => new Thread(Run) { IsBackground = true, Name = "Media" }.Start();

    public void Send(UdpFlow flow, ReadOnlySpan<byte> datagram)
    {
        try
        {
            _socket.SendTo(datagram, SocketFlags.None, flow.Address);
        }
        catch (SocketException)
        {
            // The network lost it: so it is with datagrams.
        }
        catch (ObjectDisposedException)
        {
            // The gateway stops.
        }
    }

    public void Dispose()
    {
        _isClosed = true;
        _socket.Dispose();
    }

    private static Socket Bind(int port, bool isShared)
    {
        var socket = DualStack.Create(SocketType.Dgram, ProtocolType.Udp);
        try
        {
            if (isShared)
                SharePort(socket);
            socket.ReceiveBufferSize = socket.SendBufferSize = BufferBytes;
            DualStack.Bind(socket, port);
            return socket;
        }
        catch (SocketException)
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>Whether several sockets can share one port, each with the datagrams of some peers: Linux does it by the address.</summary>
    public static bool CanSharePort => OperatingSystem.IsLinux();

    private static void SharePort(Socket socket)
    {
        const int SocketLevel = 1; // SOL_SOCKET of Linux, include/uapi/asm-generic/socket.h
        const int ReusePort = 15; // SO_REUSEPORT

        var enabled = 1;
        socket.SetRawSocketOption(SocketLevel, ReusePort, MemoryMarshal.AsBytes(new ReadOnlySpan<int>(ref enabled)));
    }

    private void Run()
    {
        var datagram = new byte[MaxDatagram];
        var from = new SocketAddress(_socket.AddressFamily);
        var outbox = new Outbox();
        while (!_isClosed)
        {
            try
            {
                from.Size = from.Buffer.Length;
                var length = _socket.ReceiveFrom(datagram, SocketFlags.None, from);
                Receive(datagram.AsSpan(0, length), from, outbox);
            }
            catch (SocketException)
            {
                // A datagram that is too long, or news of an earlier one that did not arrive.
            }
            catch (ObjectDisposedException)
            {
                return;
            }
        }
    }

    private void Receive(Span<byte> datagram, SocketAddress from, Outbox outbox)
    {
        if (!_flows.TryGetValue(from, out var flow))
        {
            // Strangers cost a look at their datagram, and nothing is kept of them.
            if (!_engine.IsForPeer(datagram))
                return;
            flow = ToFlow(from);
        }

        _engine.Receive(datagram, flow, _time(), outbox);
        if (flow.Owner is not null)
            _flows.TryAdd(flow.Address, flow);
        MediaSockets.Send(outbox, this);
    }

    private UdpFlow ToFlow(SocketAddress from)
    {
        var address = new SocketAddress(from.Family, from.Size);
        from.Buffer.Span[..from.Size].CopyTo(address.Buffer.Span);
        return new(DualStack.Unmap((IPEndPoint)_socket.LocalEndPoint!.Create(address)), address);
    }
}
