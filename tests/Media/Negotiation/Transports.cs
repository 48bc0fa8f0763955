using Sessions.Media.Negotiation;
using Sessions.Media.Sdp;

namespace Sessions.Tests.Media;

/// <summary>This end's transport in the negotiation tests.</summary>
internal static class Transports
{
    public static readonly LocalTransport Local = new(
        "serverfragment", "0123456789abcdefghijklmn", Fingerprint.Of([1, 2, 3]), ["1 1 udp 2130706431 192.0.2.1 7072 typ host"]);
}
