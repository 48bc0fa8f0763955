using System.Buffers.Binary;

namespace Sessions.Media.Dtls;

/// <summary>The layout of a record and of the handshake message in it (RFC 6347, sections 4.1 and 4.2.2).</summary>
internal static class DtlsRecord
{
    public const byte ChangeCipherSpec = 20;
    public const byte Handshake = 22;

    public const int HeaderLength = 13;
    public const int MessageHeaderLength = 12;

    /// <summary>Whether a datagram begins with a record of the first epoch, which is unencrypted.</summary>
    public static bool IsPlain(ReadOnlySpan<byte> datagram)
        => datagram.Length > HeaderLength && BinaryPrimitives.ReadUInt16BigEndian(datagram[3..]) == 0;

    public static int ReadUInt24(ReadOnlySpan<byte> bytes) => (bytes[0] << 16) | BinaryPrimitives.ReadUInt16BigEndian(bytes[1..]);
}
