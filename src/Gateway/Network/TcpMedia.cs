using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using Sessions.Media;
using Sessions.Media.Ice;

namespace Sessions.Gateway.Network;

/// <summary>The TCP side of the media port (RFC 6544, passive), for devices in networks that block UDP.</summary>
internal sealed class TcpMedia : IDisposable
{
    private const int MaxConnections = 4096;
    private const int MaxConnectionsOfAddress = 64;
    private const int MaxDatagram = 2048;

    private static readonly TimeSpan TimeToCheck = TimeSpan.FromSeconds(10);

    private readonly MediaEngine _engine;
    private readonly Func<TimeSpan> _time;
    private readonly UdpSocket _udp;
    private readonly Socket _listener;
    private readonly CancellationTokenSource _stop = new();
    private readonly ConcurrentDictionary<TcpFlow, IPAddress> _flows = [];

    /// <exception cref="SocketException">The port cannot be bound.</exception>
    public TcpMedia(MediaEngine engine, Func<TimeSpan> time, UdpSocket udp, int port)
    {
        (_engine, _time, _udp) = (engine, time, udp);
        _listener = DualStack.Create(SocketType.Stream, ProtocolType.Tcp);
        try
        {
            DualStack.Bind(_listener, port);
            _listener.Listen();
        }
        catch (SocketException)
        {
            Dispose();
            throw;
        }
    }

    public void Start() => _ = AcceptAsync();

    public void Dispose()
    {
        _stop.Cancel();
        _listener.Dispose();
        foreach (var (flow, _) in _flows)
            flow.Dispose();
        _stop.Dispose();
    }

    private async Task AcceptAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                var socket = await _listener.AcceptAsync(_stop.Token);
                _ = ServeAsync(socket);
            }
            catch (SocketException)
            {
                // The peer disconnected before it was accepted.
            }
            catch (Exception exception) when (exception is OperationCanceledException or ObjectDisposedException)
            {
                return;
            }
        }
    }

    private async Task ServeAsync(Socket socket)
    {
        try
        {
            socket.NoDelay = true;
            var remote = DualStack.Unmap((IPEndPoint)socket.RemoteEndPoint!);
            using var flow = new TcpFlow(remote, socket);
            if (_flows.Count >= MaxConnections || _flows.Values.Count(remote.Address.Equals) >= MaxConnectionsOfAddress)
                return;

            _flows[flow] = remote.Address;
            using var end = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token);
            Task[] directions = [ReceiveAsync(socket, flow, end.Token), flow.RunAsync(end.Token)];
            await Task.WhenAny(directions);
            _flows.TryRemove(flow, out _);
            await end.CancelAsync();
            await Task.WhenAll(directions);
        }
        catch (Exception exception) when (exception is SocketException or OperationCanceledException or ObjectDisposedException)
        {
            // The peer has reset the connection or was silent for too long, or the gateway is stopping.
        }
    }

    private async Task ReceiveAsync(Socket socket, TcpFlow flow, CancellationToken cancellation)
    {
        var framing = new StreamFraming(MaxDatagram);
        var outbox = new Outbox();
        var opened = _time();
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        while (!framing.IsBroken)
        {
            // A connection that does not pass an ICE check in time is closed.
            if (flow.Owner is null && _time() - opened > TimeToCheck)
                return;

            timeout.CancelAfter(flow.Owner is null ? TimeToCheck : IceLite.ConsentLifetime);
            var count = await socket.ReceiveAsync(framing.Room, timeout.Token);
            if (count == 0)
                return;

            framing.Commit(count);
            while (framing.TryRead(out var datagram))
            {
                if (flow.Owner is not null || _engine.IsForPeer(datagram))
                    _engine.Receive(datagram, flow, _time(), outbox);
                MediaSockets.Send(outbox, _udp);
            }
        }
    }
}
