using System.Buffers.Binary;
using System.Text;
using Sessions.Media;
using Sessions.Media.Rtp;

namespace Sessions.Testing.Media;

/// <summary>
/// A track that a device publishes. Its packets contain the id of its stream, so that a receiver can tell the streams apart.
/// </summary>
internal sealed class SentTrack(string streamId, MediaKind kind, string mid, uint ssrc)
{
    public const byte OpusType = 111;
    public const byte TelephoneEventType = 110;
    public const byte Vp8Type = 96;

    private const int AudioStep = 960; // 20 ms at 48 kHz
    private const int VideoStep = 1800; // 20 ms at 90 kHz

    private readonly Dictionary<ushort, byte[]> _sent = [];
    private ushort _sequenceNumber = (ushort)Random.Shared.Next();
    private uint _timestamp;
    private bool _isKeyFrameWanted = true;

    public string StreamId => streamId;

    public MediaKind Kind => kind;

    public string Mid => mid;

    public uint Ssrc => ssrc;

    public int KeyFrames { get; private set; }

    public void RequestKeyFrame() => _isKeyFrameWanted = true;

    public byte[]? Find(ushort sequenceNumber) => _sent.GetValueOrDefault(sequenceNumber);

    /// <summary>The next packet of the track, with 20 ms of audio or a picture.</summary>
    public byte[] Next()
    {
        _timestamp += (uint)(kind == MediaKind.Audio ? AudioStep : VideoStep);
        return kind == MediaKind.Audio ? Make(false, OpusType, [0xfc]) : Make(true, Vp8Type, Picture());
    }

    /// <summary>A packet of a telephone event (RFC 4733, section 2.3).</summary>
    public byte[] Event(byte code) => Make(true, TelephoneEventType, [code, 0x8a, 0x03, 0xc0]);

    // The payload descriptor at the start of a picture with a picture id (RFC 7741, section 4.2), and the first byte of the payload header,
    // whose lowest bit is 0 in a key frame (section 4.3).
    private byte[] Picture()
    {
        var isKeyFrame = _isKeyFrameWanted;
        _isKeyFrameWanted = false;
        KeyFrames += isKeyFrame ? 1 : 0;
        return [0x90, 0x80, (byte)(_sequenceNumber & 0x7f), (byte)(isKeyFrame ? 0x10 : 0x11)];
    }

    private byte[] Make(bool marker, byte payloadType, byte[] start)
    {
        var packet = new byte[RtpHeader.Length + start.Length + Encoding.UTF8.GetByteCount(streamId) + 2];
        RtpHeader.Write(packet, marker, payloadType, _sequenceNumber, _timestamp, ssrc);
        start.CopyTo(packet, RtpHeader.Length);
        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(RtpHeader.Length + start.Length), _sequenceNumber);
        Encoding.UTF8.GetBytes(streamId, packet.AsSpan(RtpHeader.Length + start.Length + 2));
        _sent.Remove((ushort)(_sequenceNumber - 500));
        _sent[_sequenceNumber++] = packet;
        return packet;
    }
}

/// <summary>The packets of one kind that a device has received from one stream.</summary>
/// <param name="Packets">The number of distinct packets.</param>
/// <param name="StartsWithKeyFrame">Whether a key frame starts in the first packet.</param>
/// <param name="Events">The number of telephone-event packets.</param>
/// <param name="Duplicates">The number of packets that arrived again.</param>
/// <param name="Disordered">The number of packets that arrived after a later one.</param>
public readonly record struct Received(int Packets, bool StartsWithKeyFrame, int Events, int Duplicates, int Disordered);

/// <summary>Counts the packets with the SSRC of one section by their streams, and tracks the missing ones.</summary>
internal sealed class ReceivedTrack(MediaKind kind)
{
    private readonly HashSet<long> _seen = [];
    private SequenceUnwrapper _unwrapper;
    private long? _highest;

    public MissingPackets Missing { get; } = new();

    public ReceptionStatistics Statistics { get; } = new(kind == MediaKind.Audio ? 48_000 : 90_000);

    public MediaKind Kind => kind;

    /// <summary>Adds a packet to the counts of its stream.</summary>
    public Received Count(Received before, in RtpPacket packet, bool isEvent, TimeSpan now)
    {
        var number = _unwrapper.Unwrap(packet.SequenceNumber);
        Statistics.Receive(packet.SequenceNumber, packet.Timestamp, now);
        Missing.Receive(number, now);
        if (!_seen.Add(number))
            return before with { Duplicates = before.Duplicates + 1 };

        var isDisordered = number < _highest;
        _highest = isDisordered ? _highest : number;
        return before with
        {
            Packets = before.Packets + 1,
            StartsWithKeyFrame = before.Packets == 0
                ? kind == MediaKind.Video && KeyFrame.StartsIn(VideoCodec.Vp8, packet.Payload)
                : before.StartsWithKeyFrame,
            Events = before.Events + (isEvent ? 1 : 0),
            Disordered = before.Disordered + (isDisordered ? 1 : 0),
        };
    }

    /// <summary>The id of the stream in a payload.</summary>
    public string StreamOf(ReadOnlySpan<byte> payload, bool isEvent)
    {
        var start = (isEvent || kind == MediaKind.Video ? 4 : 1) + 2;
        return payload.Length < start ? "" : Encoding.UTF8.GetString(payload[start..]);
    }
}
