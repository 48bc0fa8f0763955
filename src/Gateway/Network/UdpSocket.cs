using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Sessions.Media;

namespace Sessions.Gateway.Network;

/// <summary>
/// One of the UDP sockets of the media port, with its thread. The thread receives a datagram, passes it to the engine, and sends the
/// engine's output without holding a lock. If the system supports it, several sockets share the port, and all datagrams of one peer arrive
/// at the same socket.
/// </summary>
internal sealed class UdpSocket : IDisposable
{
    // Large enough for a key frame to many subscribers at once. The system may limit it.
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
            // The network may lose any datagram.
        }
        catch (ObjectDisposedException)
        {
            // The gateway is stopping.
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

    /// <summary>
    /// Whether several sockets can share one port, each for the datagrams of some peers. Linux chooses the socket by the peer's address.
    /// </summary>
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
                // The datagram was too long, or an earlier datagram could not be delivered.
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
            // The gateway only inspects a datagram from an unknown address, and stores nothing about it.
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
