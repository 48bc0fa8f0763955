using System.Buffers.Binary;

namespace Sessions.Media.Rtp;

/// <summary>The video codecs that are forwarded.</summary>
public enum VideoCodec
{
    /// <summary>VP8 (RFC 7741).</summary>
    Vp8,

    /// <summary>H.264 (RFC 6184).</summary>
    H264,
}

/// <summary>Finds the packets at which a decoder can start.</summary>
public static class KeyFrame
{
    private const int Idr = 5;
    private const int SequenceParameterSet = 7;
    private const int StapA = 24;
    private const int FuA = 28;

    /// <summary>
    /// Whether a key frame starts in an RTP payload. For VP8 this is its first packet (RFC 7741 sections 4.2 and 4.3). For H.264 it is a
    /// packet with a sequence parameter set or with the start of an IDR slice (RFC 6184 sections 5.6, 5.7.1 and 5.8).
    /// </summary>
    public static bool StartsIn(VideoCodec codec, ReadOnlySpan<byte> payload)
        => codec is VideoCodec.Vp8 ? StartsInVp8(payload) : StartsInH264(payload);

    private static bool StartsInVp8(ReadOnlySpan<byte> payload)
    {
        if (payload.IsEmpty)
            return false;

        // S is 1 and PID is 0 at the start of the first partition.
        var isFrameStart = (payload[0] & 0x17) == 0x10;
        var descriptorLength = Vp8DescriptorLength(payload);

        // P is inverted, so 0 means a key frame.
        return isFrameStart && payload.Length > descriptorLength && (payload[descriptorLength] & 0x01) == 0;
    }

    private static int Vp8DescriptorLength(ReadOnlySpan<byte> payload)
    {
        if ((payload[0] & 0x80) == 0)
            return 1;

        if (payload.Length < 3)
            return payload.Length;

        var extensions = payload[1];
        var hasPictureId = (extensions & 0x80) != 0;
        var hasLongPictureId = hasPictureId && (payload[2] & 0x80) != 0;
        var hasTl0PictureIndex = (extensions & 0x40) != 0;
        var hasLayerOrKeyIndex = (extensions & 0x30) != 0;
        return 2 + (hasPictureId ? 1 : 0) + (hasLongPictureId ? 1 : 0) + (hasTl0PictureIndex ? 1 : 0) + (hasLayerOrKeyIndex ? 1 : 0);
    }

    private static bool StartsInH264(ReadOnlySpan<byte> payload)
    {
        if (payload.IsEmpty)
            return false;

        return (payload[0] & 0x1f) switch
        {
            StapA => IsInAggregate(payload[1..]),
            FuA => payload.Length > 1 && (payload[1] & 0x80) != 0 && IsStart(payload[1]),
            _ => IsStart(payload[0]),
        };
    }

    private static bool IsInAggregate(ReadOnlySpan<byte> units)
    {
        while (units.Length > sizeof(ushort))
        {
            var length = BinaryPrimitives.ReadUInt16BigEndian(units);

            if (length > 0 && IsStart(units[sizeof(ushort)]))
                return true;

            if (length > units.Length - sizeof(ushort))
                return false;

            units = units[(sizeof(ushort) + length)..];
        }

        return false;
    }

    private static bool IsStart(byte header) => (header & 0x1f) is Idr or SequenceParameterSet;
}
