using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace Sessions.Security;

/// <summary>
/// Where a request comes from, as far as guesses are counted: an IPv4 address, or the /64 of an IPv6 address, because one
/// subscriber has at least that many addresses (RFC 6177). Everything that is no address is one and the same caller.
/// </summary>
public readonly record struct Caller
{
    private const int SubscriberBits = 64;

    // IPv4 addresses are in their mapped form, ::ffff:0:0/96. No /64 looks like one: its lower half is zero.
    private readonly UInt128 _network;

    private Caller(UInt128 network) => _network = network;

    /// <summary>
    /// The caller as the outermost of <paramref name="trustedProxies"/> proxies saw it. Each proxy adds an entry at the end of
    /// <c>X-Forwarded-For</c>, so that a caller can write only into those before.
    /// </summary>
    public static Caller Behind(int trustedProxies, string forwardedFor)
    {
        var entries = forwardedFor.Split(',');
        return Parse(entries[Math.Max(0, entries.Length - trustedProxies)]);
    }

    /// <summary>Reads an entry of <c>X-Forwarded-For</c>: an address, with or without a port.</summary>
    public static Caller Parse(string entry)
    {
        if (!IPEndPoint.TryParse(entry.Trim(), out var endPoint))
            return default;

        var address = endPoint.Address;
        var bits = BinaryPrimitives.ReadUInt128BigEndian(address.MapToIPv6().GetAddressBytes());
        var isVersion4 = address.AddressFamily == AddressFamily.InterNetwork || address.IsIPv4MappedToIPv6;
        return new(isVersion4 ? bits : bits >> SubscriberBits << SubscriberBits);
    }
}
