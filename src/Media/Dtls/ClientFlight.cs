using System.Buffers.Binary;

namespace Sessions.Media.Dtls;

/// <summary>
/// What a server may see of the client's last flight (RFC 6347, section 4.2.4). With ChangeCipherSpec BouncyCastle goes over to the
/// new keys and takes no records from before any more, so that a CertificateVerify that was lost, or comes later, would never be
/// taken. Until it is there a ChangeCipherSpec counts as lost: the client sends both again.
/// </summary>
internal struct ClientFlight
{
    private const byte CertificateVerify = 15;

    private int _length;
    private bool _isVerifiable;

    /// <summary>The part of a datagram that may be handed on.</summary>
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

            // Fragments that come in another order count when they come again.
            if (messages[0] == CertificateVerify && offset <= _length)
                (_length, _isVerifiable) = (Math.Max(_length, offset + fragment), _isVerifiable || offset + fragment >= length);
            messages = messages[(DtlsRecord.MessageHeaderLength + fragment)..];
        }
    }
}
