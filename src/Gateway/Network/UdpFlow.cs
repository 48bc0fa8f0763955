using System.Net;
using Sessions.Media;

namespace Sessions.Gateway.Network;

/// <summary>A peer's address over UDP, in the form that a socket uses without allocation.</summary>
internal sealed class UdpFlow(IPEndPoint remote, SocketAddress address) : Flow(remote)
{
    public SocketAddress Address => address;
}
