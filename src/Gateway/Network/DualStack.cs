using System.Net;
using System.Net.Sockets;

namespace Sessions.Gateway.Network;

/// <summary>Creates sockets that serve IPv6 and IPv4 together, if the machine has both.</summary>
internal static class DualStack
{
    /// <summary>Creates a socket for <see cref="Bind"/>.</summary>
    public static Socket Create(SocketType type, ProtocolType protocol)
        => Socket.OSSupportsIPv6
            ? new(AddressFamily.InterNetworkV6, type, protocol) { DualMode = true }
            : new(AddressFamily.InterNetwork, type, protocol);

    /// <summary>Binds a socket to a port on all addresses.</summary>
    /// <exception cref="SocketException">The port cannot be bound.</exception>
    public static void Bind(Socket socket, int port)
        => socket.Bind(new IPEndPoint(socket.AddressFamily == AddressFamily.InterNetworkV6 ? IPAddress.IPv6Any : IPAddress.Any, port));

    /// <summary>A peer's address as the peer knows it. An IPv4 address mapped to IPv6 is converted back.</summary>
    public static IPEndPoint Unmap(IPEndPoint remote)
        => remote.Address.IsIPv4MappedToIPv6 ? new(remote.Address.MapToIPv4(), remote.Port) : remote;
}
