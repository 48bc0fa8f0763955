using System.Buffers.Binary;
using Sessions.Media;
using Sessions.Media.Rtp;

namespace Sessions.MediaBench;

/// <summary>
/// A published track. Sound is 50 packets a second of 160 bytes, and video is 0.5 Mbit/s in pictures of two packets. The payload of each
/// packet contains the time at which it was created.
/// </summary>
internal sealed class LoadTrack(MediaKind kind)
{
    public const byte OpusType = 111;
    public const byte Vp8Type = 96;
    public const int MaxLength = RtpHeader.Length + VideoBytes;

    // After the descriptor of VP8 and the first byte of its header.
    private const int StampOffset = 8;
    private const int AudioBytes = 160;
    private const int VideoBytes = 1100;

    private static readonly TimeSpan AudioInterval = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan VideoInterval = TimeSpan.FromSeconds(2 * VideoBytes * 8 / 500_000.0);

    private ushort _sequenceNumber = (ushort)Random.Shared.Next();
    private ushort _picture;
    private uint _timestamp;
    private uint _packets;
    private volatile bool _isKeyFrameWanted = true;

    public MediaKind Kind => kind;

    public uint Ssrc { get; } = (uint)Random.Shared.NextInt64(1, uint.MaxValue);

    public TimeSpan Interval => kind == MediaKind.Audio ? AudioInterval : VideoInterval;

    public int PacketsInInterval => kind == MediaKind.Audio ? 1 : 2;

    public void RequestKeyFrame() => _isKeyFrameWanted = true;

    /// <summary>Advances to the next sound or picture.</summary>
    public void Advance()
    {
        _timestamp += (uint)(Interval.TotalSeconds * ClockRate);
        _picture++;
    }

    /// <summary>Writes the next packet.</summary>
    /// <returns>Its length.</returns>
    public int Write(Span<byte> packet, int indexInInterval)
    {
        var isAudio = kind == MediaKind.Audio;
        var isLast = indexInInterval == PacketsInInterval - 1;
        RtpHeader.Write(packet, !isAudio && isLast, isAudio ? OpusType : Vp8Type, _sequenceNumber++, _timestamp, Ssrc);
        var payload = packet.Slice(RtpHeader.Length, isAudio ? AudioBytes : VideoBytes);
        if (isAudio)
            payload[0] = 0xfc;
        else
            WriteVideo(payload, indexInInterval == 0);
        BinaryPrimitives.WriteInt64BigEndian(payload[StampOffset..], DateTime.UtcNow.Ticks);
        _packets++;
        return RtpHeader.Length + payload.Length;
    }

    /// <summary>Reads the time in a packet's payload, in ticks of <see cref="DateTime"/>.</summary>
    public static long ReadStamp(ReadOnlySpan<byte> payload) => BinaryPrimitives.ReadInt64BigEndian(payload[StampOffset..]);

    /// <summary>Writes a sender report (RFC 3550, section 6.4.1).</summary>
    public int WriteReport(Span<byte> room, TimeSpan now)
    {
        var writer = new RtcpWriter(room);
        writer.AddSenderReport(Ssrc, new((ulong)(now.TotalSeconds * (1L << 32)), _timestamp, _packets, _packets * (uint)AudioBytes), []);
        writer.AddSdes(Ssrc, "load");
        return writer.Length;
    }

    private int ClockRate => kind == MediaKind.Audio ? 48_000 : 90_000;

    /// <summary>
    /// Writes a descriptor with a picture id of 15 bits (RFC 7741, section 4.2). The first packet also has the start of the header (section
    /// 4.3), whose lowest bit is 0 in a key frame.
    /// </summary>
    private void WriteVideo(Span<byte> payload, bool isFirst)
    {
        payload[0] = (byte)(isFirst ? 0x90 : 0x80);
        payload[1] = 0x80;
        BinaryPrimitives.WriteUInt16BigEndian(payload[2..], (ushort)(0x8000 | _picture));
        payload[4] = (byte)(isFirst && _isKeyFrameWanted ? 0x10 : 0x11);
        if (isFirst)
            _isKeyFrameWanted = false;
    }
}
