using System.Buffers.Binary;

namespace Sessions.Media.Rtp;

/// <summary>A receiver's report about one source (RFC 3550 section 6.4.1).</summary>
/// <param name="Ssrc">The source.</param>
/// <param name="FractionLost">The fraction of its packets that was lost since the previous report, in 256ths.</param>
/// <param name="CumulativeLost">Packets lost so far, as a signed 24-bit number. Duplicates reduce it.</param>
/// <param name="HighestSequence">The highest sequence number received. The upper 16 bits count how often it has wrapped.</param>
/// <param name="Jitter">Interarrival jitter, in the units of the RTP timestamps.</param>
/// <param name="LastSenderReport">The middle 32 bits of the NTP time of the last sender report, or 0 if there was none.</param>
/// <param name="DelaySinceLastSenderReport">Time since that report arrived, in 65536ths of a second.</param>
public readonly record struct ReportBlock(
    uint Ssrc,
    byte FractionLost,
    int CumulativeLost,
    uint HighestSequence,
    uint Jitter,
    uint LastSenderReport,
    uint DelaySinceLastSenderReport)
{
    internal const int Length = 24;

    /// <summary>The round-trip time to the receiver (RFC 3550 section 6.4.1).</summary>
    /// <param name="ntpTime">The time at which this block has arrived, by the clock of the sender reports.</param>
    /// <returns>Null if the receiver had no sender report yet, or the values in the block are impossible.</returns>
    public TimeSpan? RoundTripTime(ulong ntpTime)
    {
        var roundTrip = (int)((uint)(ntpTime >> 16) - LastSenderReport - DelaySinceLastSenderReport);
        return LastSenderReport == 0 || roundTrip < 0 ? null : TimeSpan.FromSeconds(roundTrip / 65536.0);
    }

    internal static ReportBlock Read(ReadOnlySpan<byte> source) => new(
        BinaryPrimitives.ReadUInt32BigEndian(source),
        source[4],
        BinaryPrimitives.ReadInt32BigEndian(source[4..]) << 8 >> 8,
        BinaryPrimitives.ReadUInt32BigEndian(source[8..]),
        BinaryPrimitives.ReadUInt32BigEndian(source[12..]),
        BinaryPrimitives.ReadUInt32BigEndian(source[16..]),
        BinaryPrimitives.ReadUInt32BigEndian(source[20..]));

    internal void Write(Span<byte> destination)
    {
        BinaryPrimitives.WriteUInt32BigEndian(destination, Ssrc);
        BinaryPrimitives.WriteInt32BigEndian(destination[4..], CumulativeLost);
        destination[4] = FractionLost;
        BinaryPrimitives.WriteUInt32BigEndian(destination[8..], HighestSequence);
        BinaryPrimitives.WriteUInt32BigEndian(destination[12..], Jitter);
        BinaryPrimitives.WriteUInt32BigEndian(destination[16..], LastSenderReport);
        BinaryPrimitives.WriteUInt32BigEndian(destination[20..], DelaySinceLastSenderReport);
    }
}
