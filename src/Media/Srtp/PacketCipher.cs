using System.Buffers.Binary;

namespace Sessions.Media.Srtp;

/// <summary>
/// Encrypts and authenticates the packets of one direction with the session keys of SRTP or of SRTCP. The packet format follows RFC 3711
/// sections 3.1 and 3.4, or RFC 7714 sections 8.2 and 9.2. Not thread-safe.
/// </summary>
internal abstract class PacketCipher : IDisposable
{
    /// <summary>
    /// The length of the part of an RTCP packet that stays unencrypted, its first header and the SSRC of its sender, in bytes.
    /// </summary>
    public const int RtcpHeaderLength = 8;

    /// <summary>The length of the field with the E flag and the SRTCP index (RFC 3711 section 3.4), in bytes.</summary>
    public const int RtcpIndexLength = 4;

    /// <summary>The E flag, which marks an SRTCP packet as encrypted.</summary>
    public const uint RtcpEncrypted = 0x8000_0000;

    /// <summary>The length of an authentication tag in bytes.</summary>
    public abstract int TagLength { get; }

    /// <summary>
    /// Writes the SRTP packet for <paramref name="packet"/> to <paramref name="destination"/>, which must have exactly the right length and
    /// may start with the packet. The index has 48 bits (RFC 3711 section 3.3.1).
    /// </summary>
    public abstract void SealRtp(ReadOnlySpan<byte> packet, Span<byte> destination, int headerLength, uint ssrc, ulong index);

    /// <summary>Decrypts an SRTP packet in place. If its tag is wrong, returns false and leaves the packet unchanged.</summary>
    public abstract bool TryOpenRtp(Span<byte> packet, int headerLength, uint ssrc, ulong index);

    /// <summary>Like <see cref="SealRtp"/>, for RTCP. The index has 31 bits (RFC 3711 section 3.4).</summary>
    public abstract void SealRtcp(ReadOnlySpan<byte> packet, Span<byte> destination, uint ssrc, uint index);

    /// <summary>Like <see cref="TryOpenRtp"/>, for RTCP.</summary>
    public abstract bool TryOpenRtcp(Span<byte> packet, uint ssrc, uint index);

    /// <summary>The offset of the index in an SRTCP packet.</summary>
    public abstract int RtcpIndexOffset(int packetLength);

    /// <inheritdoc/>
    public abstract void Dispose();

    /// <summary>Copies the unencrypted part of a packet, unless the packet is already in place.</summary>
    protected static void CopyHeader(ReadOnlySpan<byte> header, Span<byte> destination)
    {
        if (!header.Overlaps(destination))
            header.CopyTo(destination);
    }

    /// <summary>
    /// XORs the SSRC and the index of a packet into a salt, at their positions in an initialization vector, which begin at
    /// <paramref name="offset"/> (RFC 3711 section 4.1.1, RFC 7714 sections 8.1 and 9.1).
    /// </summary>
    protected static void Mix(Span<byte> vector, int offset, uint ssrc, ulong index)
    {
        var ssrcField = vector[offset..];
        var indexField = vector[(offset + 2)..];
        BinaryPrimitives.WriteUInt32BigEndian(ssrcField, BinaryPrimitives.ReadUInt32BigEndian(ssrcField) ^ ssrc);

        // The index has 48 bits, so its upper 16 bits leave the end of the SSRC unchanged.
        BinaryPrimitives.WriteUInt64BigEndian(indexField, BinaryPrimitives.ReadUInt64BigEndian(indexField) ^ index);
    }
}
