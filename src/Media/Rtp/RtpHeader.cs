using System.Buffers.Binary;

namespace Sessions.Media.Rtp;

/// <summary>The header of an RTP packet (RFC 3550 section 5.1).</summary>
public static class RtpHeader
{
    /// <summary>The length of a header without contributing sources and without an extension, in bytes.</summary>
    public const int Length = 12;

    private const int Version = 2;

    /// <summary>Writes a header without contributing sources, extension and padding.</summary>
    /// <param name="destination">Room for <see cref="Length"/> bytes.</param>
    /// <param name="marker">The marker bit.</param>
    /// <param name="payloadType">The payload type, 0 to 127.</param>
    /// <param name="sequenceNumber">The sequence number.</param>
    /// <param name="timestamp">The timestamp, in units of the payload's clock.</param>
    /// <param name="ssrc">The synchronization source.</param>
    public static void Write(Span<byte> destination, bool marker, byte payloadType, ushort sequenceNumber, uint timestamp, uint ssrc)
    {
        // The last field is written first, so that the bounds are checked only once.
        BinaryPrimitives.WriteUInt32BigEndian(destination[8..], ssrc);
        BinaryPrimitives.WriteUInt32BigEndian(destination[4..], timestamp);
        BinaryPrimitives.WriteUInt16BigEndian(destination[2..], sequenceNumber);
        destination[1] = (byte)((marker ? 0x80 : 0) | (payloadType & 0x7f));
        destination[0] = Version << 6;
    }

    /// <summary>
    /// The length of a packet's header with contributing sources and extension (RFC 3550 section 5.3.1), in bytes. The packet may be
    /// encrypted.
    /// </summary>
    /// <returns>False if the packet is not of version 2 or ends before its header.</returns>
    public static bool TryGetLength(ReadOnlySpan<byte> packet, out int length)
    {
        length = 0;

        if (packet.Length < Length || packet[0] >> 6 != Version)
            return false;

        length = Length + (4 * (packet[0] & 0x0f));

        if ((packet[0] & 0x10) != 0)
        {
            if (packet.Length < length + 4)
                return false;

            length += 4 + (4 * BinaryPrimitives.ReadUInt16BigEndian(packet[(length + 2)..]));
        }

        return length <= packet.Length;
    }
}
