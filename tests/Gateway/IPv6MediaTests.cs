using System.Net;
using System.Net.Sockets;

namespace Sessions.Tests.Gateway;

/// <summary>A gateway that devices can reach only over IPv6.</summary>
public sealed class IPv6MediaTests(AzuriteFixture azurite) : MediaTestBase(azurite, $"{IPAddress.IPv6Loopback}")
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_stream_arrives_over_IPv6(bool isTcpOnly)
    {
        Assert.SkipUnless(HasIPv6(), "This machine has no IPv6.");

        await CallAsync(isTcpOnly);
    }

    private static bool HasIPv6()
    {
        if (!Socket.OSSupportsIPv6)
            return false;

        try
        {
            using var socket = new UdpClient(new IPEndPoint(IPAddress.IPv6Loopback, 0));
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
