using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace Sessions.Security;

/// <summary>
/// The origin of a request, for counting guesses: an IPv4 address, or the /64 of an IPv6 address, because one subscriber has at least that
/// many addresses (RFC 6177). All text that is not an address counts as one caller.
/// </summary>
public readonly record struct Caller
{
    private const int SubscriberBits = 64;

    // IPv4 addresses are in their mapped form, ::ffff:0:0/96. No /64 equals one of them, because the lower half of a /64 is zero.
    private readonly UInt128 _network;

    private Caller(UInt128 network) => _network = network;

    /// <summary>
    /// The address that the outermost of <paramref name="trustedProxies"/> proxies saw. Each proxy appends an entry to
    /// <c>X-Forwarded-For</c>, so the caller controls only the entries before those of the proxies. For example, behind one proxy,
    /// <c>192.0.2.1, 198.51.100.7</c> comes from 198.51.100.7.
    /// </summary>
    public static Caller Behind(int trustedProxies, string forwardedFor)
    {
        var entries = forwardedFor.Split(',');
        return Parse(entries[Math.Max(0, entries.Length - trustedProxies)]);
    }

    /// <summary>Reads an entry of <c>X-Forwarded-For</c>, which is an address with or without a port.</summary>
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
