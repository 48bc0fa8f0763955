using System.Buffers.Binary;

namespace Sessions.Media.Dtls;

/// <summary>
/// Decides which part of the client's last flight BouncyCastle's server receives (RFC 6347, section 4.2.4). On ChangeCipherSpec
/// BouncyCastle switches to the new keys and accepts no more records under the old ones. A CertificateVerify that was lost or arrives later
/// would then never be accepted. Until CertificateVerify has arrived, ChangeCipherSpec is therefore treated as lost, and the client
/// retransmits both.
/// </summary>
internal struct ClientFlight
{
    private const byte CertificateVerify = 15;

    private int _length;
    private bool _isVerifiable;

    /// <summary>The part of a datagram that may be passed to BouncyCastle.</summary>
    public ReadOnlySpan<byte> Take(ReadOnlySpan<byte> datagram)
    {
        for (var rest = datagram; DtlsRecord.IsPlain(rest);)
        {
            if (rest[0] == DtlsRecord.ChangeCipherSpec && !_isVerifiable)
                return datagram[..^rest.Length];

            var length = BinaryPrimitives.ReadUInt16BigEndian(rest[11..]);
            if (length > rest.Length - DtlsRecord.HeaderLength)
                break;

            if (rest[0] == DtlsRecord.Handshake)
                ReadMessages(rest.Slice(DtlsRecord.HeaderLength, length));
            rest = rest[(DtlsRecord.HeaderLength + length)..];
        }

        return datagram;
    }

    private void ReadMessages(ReadOnlySpan<byte> messages)
    {
        while (messages.Length >= DtlsRecord.MessageHeaderLength)
        {
            var (length, offset, fragment) = (DtlsRecord.ReadUInt24(messages[1..]), DtlsRecord.ReadUInt24(messages[6..]), DtlsRecord.ReadUInt24(messages[9..]));
            if (fragment > messages.Length - DtlsRecord.MessageHeaderLength)
                return;

            // A fragment that arrives out of order counts when it is retransmitted.
            if (messages[0] == CertificateVerify && offset <= _length)
                (_length, _isVerifiable) = (Math.Max(_length, offset + fragment), _isVerifiable || offset + fragment >= length);
            messages = messages[(DtlsRecord.MessageHeaderLength + fragment)..];
        }
    }
}
