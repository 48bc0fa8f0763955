using System.Net;
using System.Net.Sockets;
using Sessions.Gateway.Network;

namespace Sessions.Tests.Gateway;

/// <summary>A device's TCP connection for media.</summary>
public sealed class TcpFlowTests
{
    [Fact]
    public void A_datagram_for_a_closed_connection_is_dropped()
    {
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        using var flow = new TcpFlow(new(IPAddress.Loopback, 1), socket);
        flow.Send([1]);
        flow.Dispose();

        // The peer object notices the end later, when no check has arrived for some time, and sends reports until then.
        flow.Send([1]);
        Assert.False(flow.IsCongested);
    }
}
