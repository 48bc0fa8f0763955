using System.Buffers.Binary;

namespace Sessions.Media.Rtp;

/// <summary>
/// Reads the packets of a compound RTCP packet (RFC 3550 section 6.1), or of a reduced-size one (RFC 5506), one after the other.
/// </summary>
/// <param name="compound">The whole datagram, decrypted.</param>
public ref struct RtcpReader(ReadOnlySpan<byte> compound)
{
    private const int HeaderLength = 4;
    private ReadOnlySpan<byte> _rest = compound;

    /// <summary>Reads the next packet.</summary>
    /// <returns>False at the end and at the first malformed packet, because the packets after it cannot be found.</returns>
    public bool TryNext(out RtcpPacket packet)
    {
        packet = default;

        if (_rest.Length < HeaderLength || _rest[0] >> 6 != 2)
            return false;

        var length = HeaderLength + (4 * BinaryPrimitives.ReadUInt16BigEndian(_rest[2..]));

        if (length > _rest.Length)
            return false;

        var paddingLength = 0;

        if ((_rest[0] & 0x20) != 0)
        {
            paddingLength = _rest[length - 1];

            // Only the last packet is padded (RFC 3550 section 6.4.1).
            if (paddingLength == 0 || paddingLength > length - HeaderLength || length < _rest.Length)
                return false;
        }

        packet = new((byte)(_rest[0] & 0x1f), _rest[1], _rest[HeaderLength..(length - paddingLength)]);
        _rest = _rest[length..];
        return true;
    }
}
