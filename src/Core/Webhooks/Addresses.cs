using System.Net;
using System.Net.Sockets;

namespace Sessions.Webhooks;

/// <summary>The kind of an address, which decides whether a server may connect to an address that a caller chose.</summary>
public enum AddressKind
{
    /// <summary>An address on the internet.</summary>
    Public,

    /// <summary>An address in a private network.</summary>
    Private,

    /// <summary>An address of this machine.</summary>
    Loopback,

    /// <summary>An address that no receiver can have: link-local, metadata, multicast, documentation, reserved or unallocated.</summary>
    Unusable,
}

/// <summary>
/// The special addresses in the registries of IANA (RFC 6890). If an IPv6 address contains an IPv4 address, the IPv4 address decides. This
/// applies to IPv4-mapped addresses (RFC 4291, section 2.5.5.2), NAT64 (RFC 6052) and 6to4 (RFC 3056).
/// <list type="table">
/// <listheader><term>Unusable</term><description>Source</description></listheader>
/// <item><term>0.0.0.0/8, with the unspecified address</term><description>RFC 1122, section 3.2.1.3</description></item>
/// <item><term>100.100.100.200</term><description>metadata of Alibaba Cloud</description></item>
/// <item><term>168.63.129.16</term><description>the platform's services in Azure, a public address otherwise</description></item>
/// <item><term>169.254.0.0/16</term><description>link-local (RFC 3927), with the metadata of most clouds, 169.254.169.254</description></item>
/// <item><term>192.0.0.0/24</term><description>protocol assignments (RFC 6890), with the metadata of Oracle Cloud</description></item>
/// <item><term>192.0.2.0/24, 198.51.100.0/24, 203.0.113.0/24</term><description>documentation (RFC 5737)</description></item>
/// <item><term>192.88.99.0/24</term><description>relays of 6to4 (RFC 7526)</description></item>
/// <item><term>198.18.0.0/15</term><description>benchmarks (RFC 2544)</description></item>
/// <item><term>224.0.0.0/4</term><description>multicast (RFC 5771)</description></item>
/// <item><term>240.0.0.0/4, with the broadcast address</term><description>reserved (RFC 1112, section 4; RFC 919)</description></item>
/// <item><term>outside of 2000::/3</term><description>no global unicast (RFC 4291, section 2.4): among them the unspecified address, link-local
/// fe80::/10, site-local fec0::/10 (RFC 3879), multicast ff00::/8, IPv4-compatible ::/96, discard 100::/64 (RFC 6666), local NAT64
/// 64:ff9b:1::/48 (RFC 8215) and segment routing 5f00::/16 (RFC 9602)</description></item>
/// <item><term>2001::/23</term><description>protocol assignments (RFC 2928), with Teredo 2001::/32 (RFC 4380), benchmarks 2001:2::/48 (RFC 5180)
/// and ORCHIDv2 2001:20::/28 (RFC 7343)</description></item>
/// <item><term>2001:db8::/32, 3fff::/20</term><description>documentation (RFC 3849, RFC 9637)</description></item>
/// <item><term>fd00:ec2::/32, fd20:ce::/32</term><description>metadata of Amazon and of Google, within the private fc00::/7</description></item>
/// </list>
/// <list type="table">
/// <listheader><term>Private</term><description>Source</description></listheader>
/// <item><term>10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16</term><description>RFC 1918</description></item>
/// <item><term>100.64.0.0/10</term><description>networks of carriers (RFC 6598)</description></item>
/// <item><term>fc00::/7</term><description>unique local (RFC 4193)</description></item>
/// </list>
/// <list type="table">
/// <listheader><term>Loopback</term><description>Source</description></listheader>
/// <item><term>127.0.0.0/8</term><description>RFC 1122, section 3.2.1.3</description></item>
/// <item><term>::1</term><description>RFC 4291, section 2.5.3</description></item>
/// </list>
/// </summary>
public static class Addresses
{
    private static readonly IPNetwork[] UnusableNetworks =
    [
        .. new[]
        {
            "0.0.0.0/8", "100.100.100.200/32", "168.63.129.16/32", "169.254.0.0/16", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24",
            "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
            "2001::/23", "2001:db8::/32", "3fff::/20", "fd00:ec2::/32", "fd20:ce::/32",
        }.Select(network => IPNetwork.Parse(network)),
    ];

    private static readonly IPNetwork[] PrivateNetworks =
        [.. new[] { "10.0.0.0/8", "100.64.0.0/10", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7" }.Select(network => IPNetwork.Parse(network))];

    private static readonly IPNetwork Loopback = IPNetwork.Parse("127.0.0.0/8");
    private static readonly IPNetwork GlobalUnicast = IPNetwork.Parse("2000::/3");
    private static readonly IPNetwork Nat64 = IPNetwork.Parse("64:ff9b::/96");
    private static readonly IPNetwork SixToFour = IPNetwork.Parse("2002::/16");

    /// <summary>Returns the kind of an address.</summary>
    public static AddressKind KindOf(IPAddress address)
    {
        if (address.AddressFamily is not (AddressFamily.InterNetwork or AddressFamily.InterNetworkV6))
            return AddressKind.Unusable;
        if (EmbeddedIn(address) is { } embedded)
            return KindOf(embedded);
        if (Loopback.Contains(address) || address.Equals(IPAddress.IPv6Loopback))
            return AddressKind.Loopback;
        if (UnusableNetworks.Any(network => network.Contains(address)))
            return AddressKind.Unusable;
        if (PrivateNetworks.Any(network => network.Contains(address)))
            return AddressKind.Private;

        return address.AddressFamily == AddressFamily.InterNetwork || GlobalUnicast.Contains(address) ? AddressKind.Public : AddressKind.Unusable;
    }

    private static IPAddress? EmbeddedIn(IPAddress address)
    {
        if (address.AddressFamily != AddressFamily.InterNetworkV6)
            return null;
        if (address.IsIPv4MappedToIPv6)
            return address.MapToIPv4();

        var bytes = address.GetAddressBytes();
        return Nat64.Contains(address) ? new(bytes[12..])
            : SixToFour.Contains(address) ? new(bytes[2..6])
            : null;
    }
}
