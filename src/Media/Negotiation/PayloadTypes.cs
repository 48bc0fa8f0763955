using Sessions.Media.Sdp;

namespace Sessions.Media.Negotiation;

/// <summary>
/// The payload types of one connection. All sections are bundled, so a number means the same codec in every section (RFC 8843, section
/// 9.1), and its meaning never changes (RFC 3264, section 8.3.2).
/// </summary>
internal sealed class PayloadTypes
{
    // These numbers are the same in every connection, so a restarted server uses them with the meaning that the device knows.
    private const byte Opus = 96;
    private const byte Vp8 = 97;
    private const byte TelephoneEvent48 = 98;
    private const byte TelephoneEvent8 = 99;

    private readonly Dictionary<(string Name, int ClockRate, int Channels, string? Parameters), byte> _assigned = [];

    // Dynamic numbers first, then those that RFC 3551, section 3, leaves unassigned. Numbers that conflict with RTCP are omitted.
    private readonly Queue<byte> _free = new([.. Range(100, 127), .. Range(35, 63)]);

    /// <summary>The codec with this connection's payload type, or null if no number is left.</summary>
    public Codec? Assign(Codec codec)
    {
        var key = (codec.Name.ToUpperInvariant(), codec.ClockRate, codec.Channels, codec.Parameters);
        if (!_assigned.TryGetValue(key, out var payloadType))
        {
            payloadType = Preferred(codec);
            if (payloadType == 0 && !_free.TryDequeue(out payloadType))
                return null;

            _assigned[key] = payloadType;
        }

        return codec with { PayloadType = payloadType };
    }

    private static byte Preferred(Codec codec)
    {
        if (codec.Is("opus", 48_000, 2))
            return Opus;

        if (codec.Is("VP8", 90_000))
            return Vp8;

        return codec.Is("telephone-event", 48_000) ? TelephoneEvent48 : codec.Is("telephone-event", 8_000) ? TelephoneEvent8 : (byte)0;
    }

    private static IEnumerable<byte> Range(byte first, byte last) => Enumerable.Range(first, last - first + 1).Select(number => (byte)number);
}
