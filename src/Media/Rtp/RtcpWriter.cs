using System.Buffers.Binary;
using System.Numerics;
using System.Text;

namespace Sessions.Media.Rtp;

/// <summary>
/// Writes a compound RTCP packet (RFC 3550 section 6.1). Each method adds a packet. If there is no room for the packet, the method returns
/// false and adds nothing. Unless it is reduced-size, a compound packet begins with a report and contains a source description.
/// </summary>
/// <param name="buffer">The buffer for the packet.</param>
public ref struct RtcpWriter(Span<byte> buffer)
{
    private const int HeaderLength = 4;
    private const int FeedbackLength = 8;
    private const int MaxCount = 31;
    private const byte CanonicalName = 1;
    private const int MaxMantissa = 0x3ffff;

    private readonly Span<byte> _buffer = buffer;

    /// <summary>Bytes written so far.</summary>
    public int Length { get; private set; }

    /// <summary>Adds a sender report (RFC 3550 section 6.4.1). Blocks after the first 31 follow in receiver reports.</summary>
    public bool AddSenderReport(uint senderSsrc, SenderInfo info, scoped ReadOnlySpan<ReportBlock> blocks)
    {
        var start = Length;
        var own = blocks[..Math.Min(blocks.Length, MaxCount)];
        var body = Add(RtcpType.SenderReport, own.Length, sizeof(uint) + SenderInfo.Length + (own.Length * ReportBlock.Length));

        if (body.IsEmpty)
            return false;

        BinaryPrimitives.WriteUInt32BigEndian(body, senderSsrc);
        info.Write(body[sizeof(uint)..]);
        Write(own, body[(sizeof(uint) + SenderInfo.Length)..]);
        return own.Length == blocks.Length || AddReceiverReport(senderSsrc, blocks[own.Length..]) || Undo(start);
    }

    /// <summary>Adds a receiver report (RFC 3550 section 6.4.2), and another one for each further 31 blocks.</summary>
    public bool AddReceiverReport(uint senderSsrc, scoped ReadOnlySpan<ReportBlock> blocks)
    {
        var start = Length;

        do
        {
            var own = blocks[..Math.Min(blocks.Length, MaxCount)];
            var body = Add(RtcpType.ReceiverReport, own.Length, sizeof(uint) + (own.Length * ReportBlock.Length));

            if (body.IsEmpty)
                return Undo(start);

            BinaryPrimitives.WriteUInt32BigEndian(body, senderSsrc);
            Write(own, body[sizeof(uint)..]);
            blocks = blocks[own.Length..];
        }
        while (!blocks.IsEmpty);

        return true;
    }

    /// <summary>Adds a source description with a canonical name (RFC 3550 section 6.5.1), of at most 255 bytes in UTF-8.</summary>
    public bool AddSdes(uint ssrc, scoped ReadOnlySpan<char> cname)
    {
        const int ItemHeaderLength = 2;
        var nameLength = Encoding.UTF8.GetByteCount(cname);

        // At least one zero byte ends the chunk.
        var length = (sizeof(uint) + ItemHeaderLength + nameLength + 4) / 4 * 4;
        var body = nameLength > byte.MaxValue ? default : Add(RtcpType.SourceDescription, 1, length);

        if (body.IsEmpty)
            return false;

        body.Clear();
        BinaryPrimitives.WriteUInt32BigEndian(body, ssrc);
        body[4] = CanonicalName;
        body[5] = (byte)nameLength;
        Encoding.UTF8.GetBytes(cname, body[(sizeof(uint) + ItemHeaderLength)..]);
        return true;
    }

    /// <summary>Adds a generic NACK (RFC 4585 section 6.2.1).</summary>
    /// <param name="senderSsrc">The receiver that lost the packets.</param>
    /// <param name="mediaSsrc">The source of the packets.</param>
    /// <param name="lost">Their sequence numbers in the order in which they were sent, at least one.</param>
    public bool AddNack(uint senderSsrc, uint mediaSsrc, scoped ReadOnlySpan<ushort> lost)
    {
        const int EntryLength = 4;
        var entries = 0;

        for (var rest = lost; !rest.IsEmpty; entries++)
            rest = rest[TakeNackEntry(rest, out _)..];

        var body = AddFeedback(RtcpType.TransportFeedback, RtcpType.NackFormat, senderSsrc, mediaSsrc, entries * EntryLength);

        if (body.IsEmpty)
            return false;

        for (; !lost.IsEmpty; body = body[EntryLength..])
        {
            var taken = TakeNackEntry(lost, out var mask);
            BinaryPrimitives.WriteUInt16BigEndian(body, lost[0]);
            BinaryPrimitives.WriteUInt16BigEndian(body[2..], mask);
            lost = lost[taken..];
        }

        return true;
    }

    /// <summary>Adds a picture loss indication (RFC 4585 section 6.3.1).</summary>
    public bool AddPli(uint senderSsrc, uint mediaSsrc)
    {
        var start = Length;
        AddFeedback(RtcpType.PayloadFeedback, RtcpType.PliFormat, senderSsrc, mediaSsrc, 0);
        return Length > start;
    }

    /// <summary>Adds a full intra request (RFC 5104 section 4.3.1.1).</summary>
    /// <param name="senderSsrc">The sender of the request.</param>
    /// <param name="mediaSsrc">The source that is asked. Only the entry contains it, and the packet's own media source is 0.</param>
    /// <param name="sequenceNumber">One more than in the previous request, or the same if the previous request is repeated.</param>
    public bool AddFir(uint senderSsrc, uint mediaSsrc, byte sequenceNumber)
    {
        var body = AddFeedback(RtcpType.PayloadFeedback, RtcpType.FirFormat, senderSsrc, 0, 8);

        if (body.IsEmpty)
            return false;

        BinaryPrimitives.WriteUInt32BigEndian(body, mediaSsrc);
        BinaryPrimitives.WriteUInt32BigEndian(body[4..], (uint)sequenceNumber << 24);
        return true;
    }

    /// <summary>Adds an estimate of the bandwidth (draft-alvestrand-rmcat-remb-03 section 2.2).</summary>
    /// <param name="senderSsrc">The receiver that estimates.</param>
    /// <param name="bitrate">In bit/s, rounded down to 18 significant bits.</param>
    /// <param name="ssrcs">The sources that the total rate covers, at most 255.</param>
    public bool AddRemb(uint senderSsrc, long bitrate, scoped ReadOnlySpan<uint> ssrcs)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(bitrate);
        var length = 8 + (ssrcs.Length * sizeof(uint));
        var body = ssrcs.Length > byte.MaxValue
            ? default : AddFeedback(RtcpType.PayloadFeedback, RtcpType.ApplicationFormat, senderSsrc, 0, length);

        if (body.IsEmpty)
            return false;

        var exponent = Math.Max(0, BitOperations.Log2((ulong)bitrate) - BitOperations.Log2(MaxMantissa));
        RtcpType.RembName.CopyTo(body);
        BinaryPrimitives.WriteUInt32BigEndian(body[4..], (uint)ssrcs.Length << 24 | (uint)exponent << 18 | (uint)(bitrate >> exponent));

        for (var i = 0; i < ssrcs.Length; i++)
            BinaryPrimitives.WriteUInt32BigEndian(body[(8 + (i * sizeof(uint)))..], ssrcs[i]);

        return true;
    }

    /// <summary>Adds a goodbye (RFC 3550 section 6.6).</summary>
    public bool AddBye(uint ssrc)
    {
        var body = Add(RtcpType.Goodbye, 1, sizeof(uint));

        if (body.IsEmpty)
            return false;

        BinaryPrimitives.WriteUInt32BigEndian(body, ssrc);
        return true;
    }

    /// <summary>How many of the lost sequence numbers fit into one packet id and its bit mask.</summary>
    private static int TakeNackEntry(ReadOnlySpan<ushort> lost, out ushort mask)
    {
        mask = 0;
        var taken = 1;

        for (; taken < lost.Length; taken++)
        {
            var distance = (ushort)(lost[taken] - lost[0]);

            if (distance is 0 or > 16)
                break;

            mask |= (ushort)(1 << (distance - 1));
        }

        return taken;
    }

    private static void Write(ReadOnlySpan<ReportBlock> blocks, Span<byte> destination)
    {
        for (var i = 0; i < blocks.Length; i++)
            blocks[i].Write(destination[(i * ReportBlock.Length)..]);
    }

    private Span<byte> AddFeedback(byte type, byte format, uint senderSsrc, uint mediaSsrc, int controlLength)
    {
        var body = Add(type, format, FeedbackLength + controlLength);

        if (body.IsEmpty)
            return body;

        BinaryPrimitives.WriteUInt32BigEndian(body, senderSsrc);
        BinaryPrimitives.WriteUInt32BigEndian(body[4..], mediaSsrc);
        return body[FeedbackLength..];
    }

    private Span<byte> Add(byte type, int count, int bodyLength)
    {
        var rest = _buffer[Length..];

        if (rest.Length < HeaderLength + bodyLength)
            return default;

        rest[0] = (byte)(0x80 | count);
        rest[1] = type;
        BinaryPrimitives.WriteUInt16BigEndian(rest[2..], (ushort)(bodyLength / 4));
        Length += HeaderLength + bodyLength;
        return rest.Slice(HeaderLength, bodyLength);
    }

    private bool Undo(int length)
    {
        Length = length;
        return false;
    }
}
