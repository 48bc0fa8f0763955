using System.Buffers.Binary;

namespace Sessions.Media.Rtp;

/// <summary>An RTP packet (RFC 3550 section 5.1), read in place.</summary>
public readonly ref struct RtpPacket
{
    private readonly ReadOnlySpan<byte> _packet;

    private RtpPacket(ReadOnlySpan<byte> packet, int headerLength, int paddingLength)
    {
        _packet = packet;
        HeaderLength = headerLength;
        PaddingLength = paddingLength;
    }

    /// <summary>The marker bit. In video it marks the last packet of a picture.</summary>
    public bool Marker => (_packet[1] & 0x80) != 0;

    /// <summary>The payload type, 0 to 127.</summary>
    public byte PayloadType => (byte)(_packet[1] & 0x7f);

    /// <summary>The sequence number.</summary>
    public ushort SequenceNumber => BinaryPrimitives.ReadUInt16BigEndian(_packet[2..]);

    /// <summary>The timestamp, in units of the payload's clock.</summary>
    public uint Timestamp => BinaryPrimitives.ReadUInt32BigEndian(_packet[4..]);

    /// <summary>The synchronization source.</summary>
    public uint Ssrc => BinaryPrimitives.ReadUInt32BigEndian(_packet[8..]);

    /// <summary>The length of the header with contributing sources and extension, in bytes.</summary>
    public int HeaderLength { get; }

    /// <summary>The length of the padding including its count byte, in bytes, or 0 if there is none.</summary>
    public int PaddingLength { get; }

    /// <summary>The payload without padding. Empty if the packet contains only padding.</summary>
    public ReadOnlySpan<byte> Payload => _packet[HeaderLength..^PaddingLength];

    /// <summary>Reads a packet.</summary>
    /// <returns>False if it is not of version 2, or its header or padding is longer than the packet.</returns>
    public static bool TryParse(ReadOnlySpan<byte> datagram, out RtpPacket packet)
    {
        packet = default;

        if (!RtpHeader.TryGetLength(datagram, out var headerLength))
            return false;

        var paddingLength = 0;

        if ((datagram[0] & 0x20) != 0)
        {
            paddingLength = datagram[^1];

            if (paddingLength == 0 || paddingLength > datagram.Length - headerLength)
                return false;
        }

        packet = new(datagram, headerLength, paddingLength);
        return true;
    }
}
