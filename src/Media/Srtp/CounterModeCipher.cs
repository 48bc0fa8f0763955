using System.Buffers.Binary;
using System.Security.Cryptography;

namespace Sessions.Media.Srtp;

/// <summary>AES-128 in counter mode (RFC 3711 section 4.1.1) and HMAC-SHA1, truncated to 80 bits (section 4.2.1).</summary>
internal sealed class CounterModeCipher(byte[] key, byte[] salt, byte[] authenticationKey) : PacketCipher
{
    private const int Tag = 10;
    private readonly Keystream _keystream = new(key);
    private readonly IncrementalHash _hmac = IncrementalHash.CreateHMAC(HashAlgorithmName.SHA1, authenticationKey);

    /// <inheritdoc/>
    public override int TagLength => Tag;

    /// <inheritdoc/>
    public override void SealRtp(ReadOnlySpan<byte> packet, Span<byte> destination, int headerLength, uint ssrc, ulong index)
    {
        CopyHeader(packet[..headerLength], destination);
        Crypt(packet[headerLength..], destination[headerLength..packet.Length], ssrc, index);
        WriteRtpTag(destination, index, destination[packet.Length..]);
    }

    /// <inheritdoc/>
    public override bool TryOpenRtp(Span<byte> packet, int headerLength, uint ssrc, ulong index)
    {
        Span<byte> given = stackalloc byte[Tag];
        Span<byte> expected = stackalloc byte[Tag];
        packet[^Tag..].CopyTo(given);
        WriteRtpTag(packet, index, expected);
        given.CopyTo(packet[^Tag..]);

        if (!CryptographicOperations.FixedTimeEquals(given, expected))
            return false;

        var payload = packet[headerLength..^Tag];
        Crypt(payload, payload, ssrc, index);
        return true;
    }

    /// <inheritdoc/>
    public override void SealRtcp(ReadOnlySpan<byte> packet, Span<byte> destination, uint ssrc, uint index)
    {
        CopyHeader(packet[..RtcpHeaderLength], destination);
        Crypt(packet[RtcpHeaderLength..], destination[RtcpHeaderLength..packet.Length], ssrc, index);
        BinaryPrimitives.WriteUInt32BigEndian(destination[packet.Length..], RtcpEncrypted | index);
        WriteTag(destination[..^Tag], destination[^Tag..]);
    }

    /// <inheritdoc/>
    public override bool TryOpenRtcp(Span<byte> packet, uint ssrc, uint index)
    {
        Span<byte> expected = stackalloc byte[Tag];
        WriteTag(packet[..^Tag], expected);

        if (!CryptographicOperations.FixedTimeEquals(packet[^Tag..], expected))
            return false;

        var payload = packet[RtcpHeaderLength..^(RtcpIndexLength + Tag)];
        Crypt(payload, payload, ssrc, index);
        return true;
    }

    /// <inheritdoc/>
    public override int RtcpIndexOffset(int packetLength) => packetLength - RtcpIndexLength - Tag;

    /// <inheritdoc/>
    public override void Dispose()
    {
        _keystream.Dispose();
        _hmac.Dispose();
    }

    /// <summary>Encrypts or decrypts, which are the same operation.</summary>
    internal void Crypt(ReadOnlySpan<byte> source, Span<byte> destination, uint ssrc, ulong index)
    {
        Span<byte> vector = stackalloc byte[Keystream.BlockLength];
        vector.Clear();
        salt.CopyTo(vector);
        Mix(vector, 4, ssrc, index);

        for (var counter = 0; source.Length > 0; counter += Keystream.MaxBlocks)
        {
            var length = Math.Min(source.Length, Keystream.MaxBlocks * Keystream.BlockLength);
            var blocks = (length + Keystream.BlockLength - 1) / Keystream.BlockLength;
            Keystream.Xor(source[..length], _keystream.Create(vector, counter, blocks), destination);
            source = source[length..];
            destination = destination[length..];
        }
    }

    // The tag covers the packet and the rollover counter, which is not sent (RFC 3711 section 4.2). The counter is written where the tag
    // goes, so that the packet is hashed in one piece.
    private void WriteRtpTag(Span<byte> packet, ulong index, Span<byte> tag)
    {
        var tagOffset = packet.Length - Tag;
        BinaryPrimitives.WriteUInt32BigEndian(packet[tagOffset..], (uint)(index >> 16));
        WriteTag(packet[..(tagOffset + sizeof(uint))], tag);
    }

    private void WriteTag(ReadOnlySpan<byte> data, Span<byte> tag)
    {
        Span<byte> hash = stackalloc byte[SHA1.HashSizeInBytes];
        _hmac.AppendData(data);
        _hmac.GetHashAndReset(hash);
        hash[..Tag].CopyTo(tag);
    }
}
