using System.Buffers.Binary;

namespace Sessions.Media.Rtp;

/// <summary>The sender information of a sender report (RFC 3550 section 6.4.1).</summary>
/// <param name="NtpTime">Wall clock time in seconds since 1900, with 32 fractional bits.</param>
/// <param name="RtpTimestamp">The same time in the units of the RTP timestamps.</param>
/// <param name="PacketCount">Packets sent so far.</param>
/// <param name="OctetCount">Bytes of payload sent so far.</param>
public readonly record struct SenderInfo(ulong NtpTime, uint RtpTimestamp, uint PacketCount, uint OctetCount)
{
    internal const int Length = 20;

    internal static SenderInfo Read(ReadOnlySpan<byte> source) => new(
        BinaryPrimitives.ReadUInt64BigEndian(source),
        BinaryPrimitives.ReadUInt32BigEndian(source[8..]),
        BinaryPrimitives.ReadUInt32BigEndian(source[12..]),
        BinaryPrimitives.ReadUInt32BigEndian(source[16..]));

    internal void Write(Span<byte> destination)
    {
        BinaryPrimitives.WriteUInt64BigEndian(destination, NtpTime);
        BinaryPrimitives.WriteUInt32BigEndian(destination[8..], RtpTimestamp);
        BinaryPrimitives.WriteUInt32BigEndian(destination[12..], PacketCount);
        BinaryPrimitives.WriteUInt32BigEndian(destination[16..], OctetCount);
    }
}
