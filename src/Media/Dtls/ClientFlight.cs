using System.Buffers.Binary;

namespace Sessions.Media.Dtls;

/// <summary>
/// What a server may see of the client's last flight (RFC 6347, section 4.2.4). With ChangeCipherSpec BouncyCastle goes over to the
/// new keys and takes no records from before any more, so that a CertificateVerify that was lost, or comes later, would never be
/// taken. Until it is there a ChangeCipherSpec counts as lost: the client sends both again.
/// </summary>
internal struct ClientFlight
{
    private const byte ChangeCipherSpec = 20;
    private const byte Handshake = 22;
    private const byte CertificateVerify = 15;
    private const int RecordHeader = 13;
    private const int MessageHeader = 12;

    private int _length;
    private bool _isVerifiable;

    /// <summary>The part of a datagram that may be handed on.</summary>
    public ReadOnlySpan<byte> Take(ReadOnlySpan<byte> datagram)
    {
        for (var rest = datagram; rest.Length > RecordHeader && BinaryPrimitives.ReadUInt16BigEndian(rest[3..]) == 0;)
        {
            if (rest[0] == ChangeCipherSpec && !_isVerifiable)
                return datagram[..^rest.Length];

            var length = BinaryPrimitives.ReadUInt16BigEndian(rest[11..]);
            if (length > rest.Length - RecordHeader)
                break;

            if (rest[0] == Handshake)
                ReadMessages(rest.Slice(RecordHeader, length));
            rest = rest[(RecordHeader + length)..];
        }

        return datagram;
    }

    private void ReadMessages(ReadOnlySpan<byte> messages)
    {
        while (messages.Length >= MessageHeader)
        {
            var (length, offset, fragment) = (ReadUInt24(messages[1..]), ReadUInt24(messages[6..]), ReadUInt24(messages[9..]));
            if (fragment > messages.Length - MessageHeader)
                return;

            // Fragments that come in another order count when they come again.
            if (messages[0] == CertificateVerify && offset <= _length)
                (_length, _isVerifiable) = (Math.Max(_length, offset + fragment), _isVerifiable || offset + fragment >= length);
            messages = messages[(MessageHeader + fragment)..];
        }
    }

    private static int ReadUInt24(ReadOnlySpan<byte> bytes) => (bytes[0] << 16) | BinaryPrimitives.ReadUInt16BigEndian(bytes[1..]);
}
