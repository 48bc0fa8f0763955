using System.Buffers.Binary;
using Sessions.Media;
using Sessions.Media.Rtp;

namespace Sessions.Tests.Media.Network;

/// <summary>
/// One track of a publishing device. The payload contains the ids of the track and the packet and, in VP8, whether a key frame starts.
/// </summary>
internal sealed class PublishedStream(MediaKind kind, int id, uint ssrc)
{
    public const int MinPayload = 14;

    private const int KeptPackets = 512;

    private readonly byte[]?[] _sent = new byte[KeptPackets][];

    public MediaKind Kind => kind;

    public int Id => id;

    public byte PayloadType => kind == MediaKind.Audio ? (byte)111 : (byte)96;

    public uint Ssrc { get; private set; } = ssrc;

    /// <summary>Every SSRC that the device may use, as in its description.</summary>
    public List<uint> Ssrcs { get; } = [ssrc];

    public ushort SequenceNumber { get; set; }

    public uint Timestamp { get; set; }

    /// <summary>The number of packets sent.</summary>
    public long Count { get; private set; }

    /// <summary>The packets per second and the bytes of a payload.</summary>
    public (int Rate, int Payload) Pace { get; set; } = kind == MediaKind.Audio ? (50, 80) : (100, 1000);

    public bool WantsKeyFrame { get; set; } = true;

    public int KeyFrames { get; private set; }

    public TimeSpan NextAt { get; set; }

    public (uint Packets, uint Octets) Sent { get; private set; }

    public int ClockRate => kind == MediaKind.Audio ? 48_000 : 90_000;

    /// <summary>
    /// A random initial sequence number. It is in the lower half, as in browsers. If the packets before the first rollover are lost, the
    /// receiver cannot know the rollover counter, and no later packet authenticates (RFC 3711 section 3.3.1).
    /// </summary>
    public static ushort FirstSequenceNumber(Random random) => (ushort)random.Next(1 << 15);

    /// <summary>Starts a new packet stream, as a browser does when a track is replaced.</summary>
    public void ChangeSsrc(uint ssrc, ushort sequenceNumber, uint timestamp)
    {
        (Ssrc, SequenceNumber, Timestamp, WantsKeyFrame) = (ssrc, sequenceNumber, timestamp, true);
        Array.Clear(_sent);
    }

    /// <summary>Writes the next packet.</summary>
    public int Write(Span<byte> packet)
    {
        var length = RtpHeader.Length + Pace.Payload;
        RtpHeader.Write(packet, marker: true, PayloadType, SequenceNumber, Timestamp, Ssrc);
        var payload = packet[RtpHeader.Length..length];
        payload.Clear();
        payload[0] = 0x10;
        payload[1] = WantsKeyFrame ? (byte)0 : (byte)1;
        BinaryPrimitives.WriteInt32BigEndian(payload[2..], id);
        BinaryPrimitives.WriteInt64BigEndian(payload[6..], Count);
        if (kind == MediaKind.Video)
        {
            KeyFrames += WantsKeyFrame ? 1 : 0;
            var kept = _sent[SequenceNumber % KeptPackets];
            if (kept?.Length != length)
                _sent[SequenceNumber % KeptPackets] = kept = new byte[length];
            packet[..length].CopyTo(kept);
        }

        WantsKeyFrame = false;
        Count++;
        SequenceNumber++;
        Timestamp += (uint)(ClockRate / Pace.Rate);
        Sent = (Sent.Packets + 1, Sent.Octets + (uint)Pace.Payload);
        return length;
    }

    /// <summary>A packet that was sent, or null if it is too old.</summary>
    public byte[]? Find(ushort sequenceNumber)
        => _sent[sequenceNumber % KeptPackets] is { } packet && BinaryPrimitives.ReadUInt16BigEndian(packet.AsSpan(2)) == sequenceNumber
            ? packet : null;

    /// <summary>Reads a payload.</summary>
    public static (int Id, long Count, bool IsKeyFrame) Read(ReadOnlySpan<byte> payload)
    {
        Assert.True(payload.Length >= MinPayload);
        return (BinaryPrimitives.ReadInt32BigEndian(payload[2..]), BinaryPrimitives.ReadInt64BigEndian(payload[6..]), payload[1] == 0);
    }
}
