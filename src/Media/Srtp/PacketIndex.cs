namespace Sessions.Media.Srtp;

/// <summary>The index of a packet, which is its rollover counter and its sequence number together (RFC 3711 section 3.3.1).</summary>
internal static class PacketIndex
{
    /// <summary>The first value that is no index any more: a key protects 2^48 packets of an SSRC (RFC 3711 section 9.2).</summary>
    public const long Limit = 1L << 48;

    private const int Half = 1 << 15;

    /// <summary>The index nearest to the highest one so far that has a sequence number; negative if that is before the first of all.</summary>
    public static long Estimate(long highest, ushort sequenceNumber)
    {
        var distance = sequenceNumber - (ushort)highest;

        // Exactly half of the numbers away, the rollover counter stays.
        var rollover = distance switch
        {
            > Half => -1,
            < -Half => 1,
            _ => 0,
        };

        return highest + distance + (rollover * 2L * Half);
    }
}
