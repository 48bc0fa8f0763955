using System.Buffers.Binary;
using Sessions.Media.Rtp;

namespace Sessions.Media.Srtp;

/// <summary>
/// Authenticates and decrypts packets from the other end (RFC 3711 section 3.3, RFC 7714). Each authenticated packet is accepted once. Not
/// thread-safe.
/// </summary>
/// <remarks>
/// Only an authenticated packet adds an SSRC, so only the peer itself can use up <see cref="MaxSsrcs"/>. No SSRC is ever removed, because
/// its packets could then be replayed.
/// </remarks>
/// <param name="key">The master key of this direction.</param>
public sealed class SrtpReceiver(SrtpMasterKey key) : IDisposable
{
    /// <summary>The maximum number of SSRCs in RTP, and also in RTCP.</summary>
    public const int MaxSsrcs = 1024;

    internal const int RtpWindow = 1024;
    internal const int RtcpWindow = 128;

    private readonly PacketCipher _rtp = KeyDerivation.CreateRtpCipher(key);
    private readonly PacketCipher _rtcp = KeyDerivation.CreateRtcpCipher(key);
    private readonly Dictionary<uint, ReplayWindow> _rtpWindows = [];
    private readonly Dictionary<uint, ReplayWindow> _rtcpWindows = [];

    /// <summary>Authenticates an SRTP packet and decrypts it in place.</summary>
    /// <param name="packet">The SRTP packet. Its first <paramref name="length"/> bytes become the RTP packet.</param>
    /// <param name="length">The length of the RTP packet in bytes.</param>
    /// <returns>
    /// False if the packet is forged, replayed, too old or malformed. Nothing has then changed, and the packet is intact.
    /// </returns>
    public bool TryUnprotectRtp(Span<byte> packet, out int length)
    {
        length = packet.Length - _rtp.TagLength;

        if (!RtpHeader.TryGetLength(packet, out var headerLength) || headerLength > length)
            return false;

        var ssrc = BinaryPrimitives.ReadUInt32BigEndian(packet[8..]);
        var sequenceNumber = BinaryPrimitives.ReadUInt16BigEndian(packet[2..]);
        var window = _rtpWindows.GetValueOrDefault(ssrc);
        var index = window is null ? sequenceNumber : PacketIndex.Estimate(window.Highest, sequenceNumber);

        if (index is < 0 or >= PacketIndex.Limit || !MayBeNew(_rtpWindows, window, index))
            return false;

        if (!_rtp.TryOpenRtp(packet, headerLength, ssrc, (ulong)index))
            return false;

        Add(_rtpWindows, RtpWindow, window, ssrc, index);
        return true;
    }

    /// <summary>
    /// Authenticates an SRTCP packet and decrypts it in place. A packet that is authenticated but not encrypted is rejected.
    /// </summary>
    /// <param name="packet">The SRTCP packet. Its first <paramref name="length"/> bytes become the RTCP packet.</param>
    /// <param name="length">The length of the RTCP packet in bytes.</param>
    /// <returns>
    /// False if the packet is forged, replayed, too old or malformed. Nothing has then changed, and the packet is intact.
    /// </returns>
    public bool TryUnprotectRtcp(Span<byte> packet, out int length)
    {
        length = packet.Length - _rtcp.TagLength - PacketCipher.RtcpIndexLength;

        if (length < PacketCipher.RtcpHeaderLength || packet[0] >> 6 != 2)
            return false;

        var ssrc = BinaryPrimitives.ReadUInt32BigEndian(packet[4..]);
        var field = BinaryPrimitives.ReadUInt32BigEndian(packet[_rtcp.RtcpIndexOffset(packet.Length)..]);
        var index = field & ~PacketCipher.RtcpEncrypted;
        var window = _rtcpWindows.GetValueOrDefault(ssrc);

        if (field == index || !MayBeNew(_rtcpWindows, window, index) || !_rtcp.TryOpenRtcp(packet, ssrc, index))
            return false;

        Add(_rtcpWindows, RtcpWindow, window, ssrc, index);
        return true;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _rtp.Dispose();
        _rtcp.Dispose();
    }

    /// <summary>Continues an SSRC after an index. For tests.</summary>
    internal void Continue(uint ssrc, long index) => _rtpWindows[ssrc] = new(RtpWindow, index);

    private static bool MayBeNew(Dictionary<uint, ReplayWindow> windows, ReplayWindow? window, long index)
        => window?.IsNew(index) ?? windows.Count < MaxSsrcs;

    private static void Add(Dictionary<uint, ReplayWindow> windows, int size, ReplayWindow? window, uint ssrc, long index)
    {
        if (window is null)
            windows[ssrc] = new(size, index);
        else
            window.Add(index);
    }
}
