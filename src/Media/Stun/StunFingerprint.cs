namespace Sessions.Media.Stun;

/// <summary>
/// The value of FINGERPRINT (RFC 8489 section 14.7), which is the CRC-32 of the message before the attribute, XOR 0x5354554e.
/// </summary>
internal static class StunFingerprint
{
    private static readonly uint[] Table = CreateTable();

    public static uint Of(ReadOnlySpan<byte> message)
    {
        var crc = uint.MaxValue;
        foreach (var octet in message)
            crc = (crc >> 8) ^ Table[(byte)crc ^ octet];

        return ~crc ^ 0x5354554e;
    }

    private static uint[] CreateTable()
    {
        const uint Polynomial = 0xEDB88320; // of ITU V.42, lowest bit first
        var table = new uint[256];
        for (uint octet = 0; octet < table.Length; octet++)
        {
            var remainder = octet;
            for (var bit = 0; bit < 8; bit++)
                remainder = (remainder & 1) == 0 ? remainder >> 1 : (remainder >> 1) ^ Polynomial;

            table[octet] = remainder;
        }

        return table;
    }
}
