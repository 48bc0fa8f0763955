using System.Buffers.Binary;

namespace Sessions.Media.Dtls;

/// <summary>
/// Detects datagrams of a handshake that were sent before. BouncyCastle retransmits its last flight after any datagram that it cannot use.
/// Without this check, anyone could trigger a whole certificate with a datagram of a few bytes.
/// </summary>
internal struct SentFlights
{
    private long _last;
    private bool _isEncrypted;

    /// <summary>Records a datagram, which is one record. True if it was sent before.</summary>
    public bool IsRepeated(ReadOnlySpan<byte> datagram)
    {
        var isMessage = DtlsRecord.IsPlain(datagram) && datagram[0] == DtlsRecord.Handshake
            && datagram.Length >= DtlsRecord.HeaderLength + DtlsRecord.MessageHeaderLength;
        if (!isMessage)
            return datagram[0] is DtlsRecord.Handshake or DtlsRecord.ChangeCipherSpec && IsSecond(isLast: datagram[0] == DtlsRecord.Handshake);

        // Messages and their fragments are sent in order.
        var message = datagram[DtlsRecord.HeaderLength..];
        var position = ((long)BinaryPrimitives.ReadUInt16BigEndian(message[4..]) << 24) + DtlsRecord.ReadUInt24(message[6..]) + 1;
        if (position <= _last)
            return true;

        _last = position;
        return false;
    }

    /// <summary>
    /// Whether an encrypted flight was sent before. ChangeCipherSpec directly precedes Finished, which is the only encrypted message.
    /// </summary>
    private bool IsSecond(bool isLast)
    {
        if (_isEncrypted)
            return true;

        _isEncrypted = isLast;
        return false;
    }
}
