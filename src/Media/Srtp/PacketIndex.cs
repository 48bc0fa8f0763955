namespace Sessions.Media.Srtp;

/// <summary>The index of a packet, which combines its rollover counter and its sequence number (RFC 3711 section 3.3.1).</summary>
internal static class PacketIndex
{
    /// <summary>The first value that is not a valid index. A key protects 2^48 packets of an SSRC (RFC 3711 section 9.2).</summary>
    public const long Limit = 1L << 48;

    private const int Half = 1 << 15;

    /// <summary>
    /// The index with a given sequence number that is nearest to the highest index so far. Negative if it would precede the first packet.
    /// </summary>
    public static long Estimate(long highest, ushort sequenceNumber)
    {
        var distance = sequenceNumber - (ushort)highest;

        // At a distance of exactly half the numbers, the rollover counter stays the same.
        var rollover = distance switch
        {
            > Half => -1,
            < -Half => 1,
            _ => 0,
        };

        return highest + distance + (rollover * 2L * Half);
    }
}
