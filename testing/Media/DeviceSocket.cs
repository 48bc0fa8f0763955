using System.Net;
using System.Net.Sockets;
using Sessions.Media;
using Sessions.Media.Ice;

namespace Sessions.Testing.Media;

/// <summary>
/// A device's socket to one candidate of the gateway, over UDP or an active TCP connection (RFC 6544) with framing (RFC 4571).
/// </summary>
internal sealed class DeviceSocket(IPEndPoint remote, bool isTcp) : Flow(remote), IDisposable
{
    private const int MaxDatagram = 2048;

    private readonly Socket _socket = new(
        remote.AddressFamily, isTcp ? SocketType.Stream : SocketType.Dgram, isTcp ? ProtocolType.Tcp : ProtocolType.Udp);

    /// <inheritdoc/>
    public override bool IsTcp => isTcp;

    /// <summary>Connects, and passes on every datagram until the socket is disposed.</summary>
    public async Task RunAsync(Action<DeviceSocket, Memory<byte>> received)
    {
        try
        {
            await _socket.ConnectAsync(Remote);
            await (isTcp ? ReceiveStreamAsync(received) : ReceiveDatagramsAsync(received));
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
        {
            // The gateway or the device has closed its socket.
        }
    }

    /// <summary>Sends a datagram, or loses it if there is an error.</summary>
    public void Send(ReadOnlySpan<byte> datagram)
    {
        try
        {
            if (!isTcp)
            {
                _socket.Send(datagram);
                return;
            }

            var frame = new byte[StreamFraming.HeaderLength + datagram.Length];
            StreamFraming.Write(datagram, frame);
            _socket.Send(frame);
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
        {
            // The network loses the datagram.
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _socket.Dispose();

    private async Task ReceiveDatagramsAsync(Action<DeviceSocket, Memory<byte>> received)
    {
        var datagram = new byte[MaxDatagram];
        while (true)
        {
            try
            {
                received(this, datagram.AsMemory(0, await _socket.ReceiveAsync(datagram)));
            }
            catch (SocketException exception) when (exception.SocketErrorCode is SocketError.ConnectionRefused or SocketError.ConnectionReset)
            {
                // Nobody listens, for example while a gateway restarts.
            }
        }
    }

    private async Task ReceiveStreamAsync(Action<DeviceSocket, Memory<byte>> received)
    {
        var framing = new StreamFraming(MaxDatagram);
        while (await _socket.ReceiveAsync(framing.Room) is > 0 and var count)
        {
            framing.Commit(count);
            while (TryRead(framing) is { } datagram)
                received(this, datagram);
        }
    }

    private static byte[]? TryRead(StreamFraming framing) => framing.TryRead(out var datagram) ? datagram.ToArray() : null;
}
