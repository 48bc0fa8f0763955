using System.Globalization;
using System.Net;

namespace Sessions.Media.Ice;

/// <summary>The transport of a candidate. For TCP it includes which end connects (RFC 6544 section 4.5).</summary>
public enum CandidateTransport
{
    /// <summary>UDP.</summary>
    Udp,

    /// <summary>TCP. The candidate's owner connects.</summary>
    TcpActive,

    /// <summary>TCP. The peer connects.</summary>
    TcpPassive,

    /// <summary>TCP with a simultaneous open.</summary>
    TcpSimultaneousOpen,
}

/// <summary>The origin of a candidate (RFC 8445 section 5.1.1).</summary>
public enum CandidateType
{
    /// <summary>An address of the agent itself.</summary>
    Host,

    /// <summary>The address of the agent as a STUN server sees it.</summary>
    ServerReflexive,

    /// <summary>The address of the agent as its peer sees it.</summary>
    PeerReflexive,

    /// <summary>An address of a TURN server.</summary>
    Relayed,
}

/// <summary>The value of <c>a=candidate</c> (RFC 8839 section 5.1), without related address and extensions.</summary>
/// <param name="Foundation">The same for candidates of one type, base address, server and transport.</param>
/// <param name="Component">1 for RTP, and for everything with rtcp-mux.</param>
/// <param name="Transport">The transport.</param>
/// <param name="Priority">A higher value is preferred (RFC 8445 section 5.1.2).</param>
/// <param name="Address">An IP address, or a name that a browser uses to hide its address.</param>
/// <param name="Port">The port.</param>
/// <param name="Type">The origin of the candidate.</param>
public sealed record Candidate(
    string Foundation, int Component, CandidateTransport Transport, uint Priority, string Address, int Port, CandidateType Type)
{
    private const int FixedFields = 8;

    /// <summary>The address and port, or null if the address is a name.</summary>
    public IPEndPoint? EndPoint => IPAddress.TryParse(Address, out var address) ? new(address, Port) : null;

    /// <summary>
    /// A host candidate of component 1. Its priority follows RFC 8445 section 5.1.2. For TCP, the local preference follows RFC 6544 section
    /// 4.2 and is below that of UDP.
    /// </summary>
    /// <param name="endPoint">The address and port.</param>
    /// <param name="transport">The transport.</param>
    /// <param name="index">The position of the address among the agent's addresses, best first, 0 to 8191.</param>
    public static Candidate Host(IPEndPoint endPoint, CandidateTransport transport, int index)
    {
        const uint TypePreference = 126;
        var localPreference = transport switch
        {
            CandidateTransport.Udp => 0xFFFF - index,
            CandidateTransport.TcpActive => (6 << 13) + 0x1FFF - index,
            CandidateTransport.TcpPassive => (4 << 13) + 0x1FFF - index,
            _ => (2 << 13) + 0x1FFF - index,
        };
        return new(
            string.Create(CultureInfo.InvariantCulture, $"{(int)transport}{index}"),
            1,
            transport,
            (TypePreference << 24) + ((uint)localPreference << 8) + 255,
            endPoint.Address.ToString(),
            endPoint.Port,
            CandidateType.Host);
    }

    /// <summary>Parses the value of the attribute, which begins with the foundation. Unknown transports and types are rejected.</summary>
    public static bool TryParse(string value, out Candidate? candidate)
    {
        candidate = null;
        var fields = value.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        if (fields.Length < FixedFields
            || fields[0].Length > 32
            || !TryParse(fields[1], 1, 256, out var component)
            || !uint.TryParse(fields[3], NumberStyles.None, CultureInfo.InvariantCulture, out var priority)
            || !TryParse(fields[5], 0, 65535, out var port)
            || fields[6] != "typ"
            || ParseTransport(fields) is not { } transport
            || ParseType(fields[7]) is not { } type)
        {
            return false;
        }

        candidate = new(fields[0], component, transport, priority, fields[4], port, type);
        return true;
    }

    /// <summary>The value of the attribute, which begins with the foundation.</summary>
    public override string ToString()
    {
        var protocol = Transport == CandidateTransport.Udp ? "udp" : "tcp";
        var value = string.Create(
            CultureInfo.InvariantCulture, $"{Foundation} {Component} {protocol} {Priority} {Address} {Port} typ {Name(Type)}");
        return Transport == CandidateTransport.Udp ? value : $"{value} tcptype {Name(Transport)}";
    }

    private static bool TryParse(string field, int min, int max, out int number)
        => int.TryParse(field, NumberStyles.None, CultureInfo.InvariantCulture, out number) && number >= min && number <= max;

    private static CandidateTransport? ParseTransport(string[] fields)
    {
        if (fields[2].Equals("udp", StringComparison.OrdinalIgnoreCase))
            return CandidateTransport.Udp;

        // The extensions after the fixed fields are pairs of a name and a value.
        for (var i = FixedFields; fields[2].Equals("tcp", StringComparison.OrdinalIgnoreCase) && i + 1 < fields.Length; i += 2)
        {
            if (fields[i] == "tcptype")
            {
                return fields[i + 1] switch
                {
                    "active" => CandidateTransport.TcpActive,
                    "passive" => CandidateTransport.TcpPassive,
                    "so" => CandidateTransport.TcpSimultaneousOpen,
                    _ => null,
                };
            }
        }

        return null;
    }

    private static CandidateType? ParseType(string name) => name switch
    {
        "host" => CandidateType.Host,
        "srflx" => CandidateType.ServerReflexive,
        "prflx" => CandidateType.PeerReflexive,
        "relay" => CandidateType.Relayed,
        _ => null,
    };

    private static string Name(CandidateType type) => type switch
    {
        CandidateType.Host => "host",
        CandidateType.ServerReflexive => "srflx",
        CandidateType.PeerReflexive => "prflx",
        _ => "relay",
    };

    private static string Name(CandidateTransport transport) => transport switch
    {
        CandidateTransport.TcpActive => "active",
        CandidateTransport.TcpPassive => "passive",
        _ => "so",
    };
}
