using System.Buffers.Binary;

namespace Sessions.Media.Rtp;

/// <summary>
/// One packet of a compound RTCP packet (RFC 3550 section 6.4, RFC 4585 section 6.1), read in place. A property that the packet does not
/// have, or is too short for, reads as zero, as an empty list or as false.
/// </summary>
public readonly ref struct RtcpPacket
{
    private const int SsrcLength = 4;

    internal RtcpPacket(byte count, byte type, ReadOnlySpan<byte> body)
    {
        Count = count;
        Type = type;
        Body = body;
    }

    /// <summary>The packet type. <see cref="RtcpType"/> lists the known types.</summary>
    public byte Type { get; }

    /// <summary>How many blocks, chunks or sources the packet contains, 0 to 31.</summary>
    public byte Count { get; }

    /// <summary>The format of a feedback packet, which uses the bits of <see cref="Count"/>.</summary>
    public byte Format => Count;

    /// <summary>The bytes after the first four, without padding.</summary>
    public ReadOnlySpan<byte> Body { get; }

    /// <summary>The sender of a report or of feedback.</summary>
    public uint SenderSsrc => ReadSsrc(0);

    /// <summary>The source that feedback is about (RFC 4585 section 6.1).</summary>
    public uint MediaSsrc => IsFeedback ? ReadSsrc(SsrcLength) : 0;

    /// <summary>Whether this is a picture loss indication (RFC 4585 section 6.3.1).</summary>
    public bool IsPli => Is(RtcpType.PayloadFeedback, RtcpType.PliFormat) && FeedbackControl(out _);

    /// <summary>The blocks of a sender or receiver report, as many as fit in the packet.</summary>
    public ReportBlockList ReportBlocks => Type switch
    {
        RtcpType.SenderReport => new(From(SsrcLength + SenderInfo.Length), Count),
        RtcpType.ReceiverReport => new(From(SsrcLength), Count),
        _ => default,
    };

    /// <summary>The sequence numbers of a generic NACK (RFC 4585 section 6.2.1).</summary>
    public NackList Nack => Is(RtcpType.TransportFeedback, RtcpType.NackFormat) && FeedbackControl(out var control) ? new(control) : default;

    /// <summary>The entries of a full intra request (RFC 5104 section 4.3.1.1).</summary>
    public FirList Fir => Is(RtcpType.PayloadFeedback, RtcpType.FirFormat) && FeedbackControl(out var control) ? new(control) : default;

    /// <summary>The sources that a goodbye is about (RFC 3550 section 6.6).</summary>
    public SsrcList Bye => Type == RtcpType.Goodbye ? new(Body, Count) : default;

    private bool IsFeedback => Type is RtcpType.TransportFeedback or RtcpType.PayloadFeedback;

    /// <summary>Reads the sender information of a sender report.</summary>
    public bool TryReadSenderInfo(out SenderInfo info)
    {
        info = default;

        if (Type != RtcpType.SenderReport || Body.Length < SsrcLength + SenderInfo.Length)
            return false;

        info = SenderInfo.Read(Body[SsrcLength..]);
        return true;
    }

    /// <summary>Reads a receiver's estimate of the bandwidth (draft-alvestrand-rmcat-remb-03 section 2.2).</summary>
    /// <param name="bitrate">The highest total rate in bit/s, or <see cref="long.MaxValue"/> if it is higher than that.</param>
    /// <param name="ssrcs">The sources that the total rate covers.</param>
    public bool TryReadRemb(out long bitrate, out SsrcList ssrcs)
    {
        bitrate = 0;
        ssrcs = default;

        if (!Is(RtcpType.PayloadFeedback, RtcpType.ApplicationFormat) || !FeedbackControl(out var control)
            || control.Length < 8 || !control.StartsWith(RtcpType.RembName))
            return false;

        var exponent = control[5] >> 2;
        var mantissa = (long)(BinaryPrimitives.ReadUInt32BigEndian(control[4..]) & 0x3ffff);
        bitrate = mantissa > long.MaxValue >> exponent ? long.MaxValue : mantissa << exponent;
        ssrcs = new(control[8..], control[4]);
        return true;
    }

    private bool Is(byte type, byte format) => Type == type && Format == format;

    private uint ReadSsrc(int offset) => Body.Length >= offset + SsrcLength ? BinaryPrimitives.ReadUInt32BigEndian(Body[offset..]) : 0;

    private ReadOnlySpan<byte> From(int offset) => Body.Length >= offset ? Body[offset..] : default;

    private bool FeedbackControl(out ReadOnlySpan<byte> control)
    {
        control = From(2 * SsrcLength);
        return Body.Length >= 2 * SsrcLength;
    }
}
