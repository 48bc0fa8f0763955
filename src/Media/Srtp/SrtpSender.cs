using System.Buffers.Binary;
using Sessions.Media.Rtp;

namespace Sessions.Media.Srtp;

/// <summary>Encrypts and authenticates packets from this end (RFC 3711 section 3.3, RFC 7714). Not thread-safe.</summary>
/// <remarks>
/// A retransmitted packet must have the same bytes. Two different packets with one SSRC and index would reveal the authentication key of
/// AEAD_AES_128_GCM (RFC 7714 section 10.1). For the same reason no SSRC is ever removed.
/// </remarks>
/// <param name="key">The master key of this direction.</param>
public sealed class SrtpSender(SrtpMasterKey key) : IDisposable
{
    /// <summary>The maximum number of bytes that protection adds, which are the tag of AEAD_AES_128_GCM and the SRTCP index.</summary>
    public const int MaxOverhead = 20;

    /// <summary>The maximum number of SSRCs of a sender.</summary>
    public const int MaxSsrcs = 1024;

    private const uint RtcpIndexLimit = 1U << 31;

    private readonly PacketCipher _rtp = KeyDerivation.CreateRtpCipher(key);
    private readonly PacketCipher _rtcp = KeyDerivation.CreateRtcpCipher(key);
    private readonly Dictionary<uint, long> _highest = [];

    /// <summary>The index of the next SRTCP packet. All SSRCs share this counter, so each of them sees it increase.</summary>
    internal uint NextRtcpIndex { get; set; }

    /// <summary>
    /// Writes the SRTP packet for an RTP packet. A sequence number below the highest one of its SSRC belongs to a retransmitted packet,
    /// which is encrypted with its original rollover counter.
    /// </summary>
    /// <param name="packet">The RTP packet.</param>
    /// <param name="destination">
    /// Room for <see cref="MaxOverhead"/> bytes more than the packet. It may start with the packet itself.
    /// </param>
    /// <returns>The length of the SRTP packet in bytes, or 0 if it is not an RTP packet or the key is used up for its SSRC.</returns>
    public int ProtectRtp(ReadOnlySpan<byte> packet, Span<byte> destination)
    {
        if (!RtpHeader.TryGetLength(packet, out var headerLength))
            return 0;

        var ssrc = BinaryPrimitives.ReadUInt32BigEndian(packet[8..]);
        var sequenceNumber = BinaryPrimitives.ReadUInt16BigEndian(packet[2..]);
        var isKnown = _highest.TryGetValue(ssrc, out var highest);
        var index = isKnown ? PacketIndex.Estimate(highest, sequenceNumber) : sequenceNumber;

        if (index is < 0 or >= PacketIndex.Limit || (!isKnown && _highest.Count == MaxSsrcs))
            return 0;

        var length = packet.Length + _rtp.TagLength;
        _rtp.SealRtp(packet, destination[..length], headerLength, ssrc, (ulong)index);

        if (!isKnown || index > highest)
            _highest[ssrc] = index;

        return length;
    }

    /// <summary>Writes the SRTCP packet for a compound RTCP packet.</summary>
    /// <param name="packet">The RTCP packet.</param>
    /// <param name="destination">
    /// Room for <see cref="MaxOverhead"/> bytes more than the packet. It may start with the packet itself.
    /// </param>
    /// <returns>The length of the SRTCP packet in bytes, or 0 if it is not an RTCP packet or 2^31 packets have been sent.</returns>
    public int ProtectRtcp(ReadOnlySpan<byte> packet, Span<byte> destination)
    {
        if (packet.Length < PacketCipher.RtcpHeaderLength || NextRtcpIndex == RtcpIndexLimit)
            return 0;

        var length = packet.Length + _rtcp.TagLength + PacketCipher.RtcpIndexLength;
        _rtcp.SealRtcp(packet, destination[..length], BinaryPrimitives.ReadUInt32BigEndian(packet[4..]), NextRtcpIndex++);
        return length;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _rtp.Dispose();
        _rtcp.Dispose();
    }

    /// <summary>Continues an SSRC after an index. For tests.</summary>
    internal void Continue(uint ssrc, long index) => _highest[ssrc] = index;
}
