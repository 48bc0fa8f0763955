using System.Buffers.Binary;
using System.Security.Cryptography;

namespace Sessions.Media.Srtp;

/// <summary>AEAD_AES_128_GCM (RFC 7714).</summary>
internal sealed class GcmCipher(byte[] key, byte[] salt) : PacketCipher
{
    private const int Tag = 16;
    private const int NonceLength = 12;
    private readonly AesGcm _gcm = new(key, Tag);
    private byte[] _plaintext = [];

    /// <inheritdoc/>
    public override int TagLength => Tag;

    /// <inheritdoc/>
    public override void SealRtp(ReadOnlySpan<byte> packet, Span<byte> destination, int headerLength, uint ssrc, ulong index)
    {
        Span<byte> nonce = stackalloc byte[NonceLength];
        WriteNonce(nonce, ssrc, index);
        CopyHeader(packet[..headerLength], destination);

        _gcm.Encrypt(
            nonce, packet[headerLength..], destination[headerLength..packet.Length], destination[packet.Length..], destination[..headerLength]);
    }

    /// <inheritdoc/>
    public override bool TryOpenRtp(Span<byte> packet, int headerLength, uint ssrc, ulong index)
    {
        Span<byte> nonce = stackalloc byte[NonceLength];
        WriteNonce(nonce, ssrc, index);
        return TryDecrypt(nonce, packet[headerLength..^Tag], packet[^Tag..], packet[..headerLength]);
    }

    /// <inheritdoc/>
    public override void SealRtcp(ReadOnlySpan<byte> packet, Span<byte> destination, uint ssrc, uint index)
    {
        Span<byte> nonce = stackalloc byte[NonceLength];
        Span<byte> associated = stackalloc byte[RtcpHeaderLength + RtcpIndexLength];
        WriteNonce(nonce, ssrc, index);
        packet[..RtcpHeaderLength].CopyTo(associated);
        BinaryPrimitives.WriteUInt32BigEndian(associated[RtcpHeaderLength..], RtcpEncrypted | index);
        CopyHeader(packet[..RtcpHeaderLength], destination);

        _gcm.Encrypt(
            nonce, packet[RtcpHeaderLength..], destination[RtcpHeaderLength..packet.Length], destination.Slice(packet.Length, Tag), associated);
        associated[RtcpHeaderLength..].CopyTo(destination[(packet.Length + Tag)..]);
    }

    /// <inheritdoc/>
    public override bool TryOpenRtcp(Span<byte> packet, uint ssrc, uint index)
    {
        Span<byte> nonce = stackalloc byte[NonceLength];
        Span<byte> associated = stackalloc byte[RtcpHeaderLength + RtcpIndexLength];
        WriteNonce(nonce, ssrc, index);
        packet[..RtcpHeaderLength].CopyTo(associated);
        packet[^RtcpIndexLength..].CopyTo(associated[RtcpHeaderLength..]);

        var tagged = packet[RtcpHeaderLength..^RtcpIndexLength];
        return TryDecrypt(nonce, tagged[..^Tag], tagged[^Tag..], associated);
    }

    /// <inheritdoc/>
    public override int RtcpIndexOffset(int packetLength) => packetLength - RtcpIndexLength;

    /// <inheritdoc/>
    public override void Dispose() => _gcm.Dispose();

    /// <summary>Decrypts in place. If the tag is wrong, returns false and leaves the data unchanged.</summary>
    private bool TryDecrypt(ReadOnlySpan<byte> nonce, Span<byte> data, ReadOnlySpan<byte> tag, ReadOnlySpan<byte> associated)
    {
        // AesGcm clears the destination if the tag is wrong.
        if (_plaintext.Length < data.Length)
            _plaintext = new byte[data.Length];

        try
        {
            _gcm.Decrypt(nonce, data, tag, _plaintext.AsSpan(0, data.Length), associated);
        }
        catch (AuthenticationTagMismatchException)
        {
            return false;
        }

        _plaintext.AsSpan(0, data.Length).CopyTo(data);
        return true;
    }

    private void WriteNonce(Span<byte> nonce, uint ssrc, ulong index)
    {
        salt.CopyTo(nonce);
        Mix(nonce, 2, ssrc, index);
    }
}
