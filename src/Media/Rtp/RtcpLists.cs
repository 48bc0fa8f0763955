using System.Buffers.Binary;
using System.Numerics;

namespace Sessions.Media.Rtp;

/// <summary>The blocks of a report, for <c>foreach</c> (RFC 3550 section 6.4.1).</summary>
public ref struct ReportBlockList
{
    private readonly ReadOnlySpan<byte> _blocks;
    private int _next;

    internal ReportBlockList(ReadOnlySpan<byte> blocks, int count)
        => _blocks = blocks[..(ReportBlock.Length * Math.Min(count, blocks.Length / ReportBlock.Length))];

    /// <summary>The current block.</summary>
    public readonly ReportBlock Current => ReportBlock.Read(_blocks[(_next - ReportBlock.Length)..]);

    /// <summary>This list, from its start.</summary>
    public readonly ReportBlockList GetEnumerator() => this;

    /// <summary>Advances to the next block.</summary>
    public bool MoveNext() => RtcpList.MoveNext(_blocks, ref _next, ReportBlock.Length);
}

/// <summary>Sources, for <c>foreach</c>.</summary>
public ref struct SsrcList
{
    private readonly ReadOnlySpan<byte> _ssrcs;
    private int _next;

    internal SsrcList(ReadOnlySpan<byte> ssrcs, int count) => _ssrcs = ssrcs[..(sizeof(uint) * Math.Min(count, ssrcs.Length / sizeof(uint)))];

    /// <summary>The current source.</summary>
    public readonly uint Current => BinaryPrimitives.ReadUInt32BigEndian(_ssrcs[(_next - sizeof(uint))..]);

    /// <summary>This list, from its start.</summary>
    public readonly SsrcList GetEnumerator() => this;

    /// <summary>Advances to the next source.</summary>
    public bool MoveNext() => RtcpList.MoveNext(_ssrcs, ref _next, sizeof(uint));
}

/// <summary>An entry of a full intra request (RFC 5104 section 4.3.1.1).</summary>
/// <param name="Ssrc">The source that is asked for a full intra picture.</param>
/// <param name="SequenceNumber">The number of the request. A repeated request keeps its number.</param>
public readonly record struct FirEntry(uint Ssrc, byte SequenceNumber);

/// <summary>The entries of a full intra request, for <c>foreach</c>.</summary>
public ref struct FirList
{
    private const int EntryLength = 8;
    private readonly ReadOnlySpan<byte> _entries;
    private int _next;

    internal FirList(ReadOnlySpan<byte> entries) => _entries = entries;

    /// <summary>The current entry.</summary>
    public readonly FirEntry Current
    {
        get
        {
            var entry = _entries[(_next - EntryLength)..];
            return new(BinaryPrimitives.ReadUInt32BigEndian(entry), entry[4]);
        }
    }

    /// <summary>This list, from its start.</summary>
    public readonly FirList GetEnumerator() => this;

    /// <summary>Advances to the next entry.</summary>
    public bool MoveNext() => RtcpList.MoveNext(_entries, ref _next, EntryLength);
}

/// <summary>
/// The lost sequence numbers of a generic NACK, from all its packet ids and bit masks, for <c>foreach</c> (RFC 4585 section 6.2.1).
/// </summary>
public ref struct NackList
{
    private const int EntryLength = 4;
    private readonly ReadOnlySpan<byte> _entries;
    private int _next;
    private ushort _packetId;
    private ushort _mask;

    internal NackList(ReadOnlySpan<byte> entries) => _entries = entries;

    /// <summary>The current sequence number.</summary>
    public ushort Current { get; private set; }

    /// <summary>This list, from its start.</summary>
    public readonly NackList GetEnumerator() => this;

    /// <summary>Advances to the next sequence number.</summary>
    public bool MoveNext()
    {
        if (_mask != 0)
        {
            Current = (ushort)(_packetId + 1 + BitOperations.TrailingZeroCount(_mask));
            _mask &= (ushort)(_mask - 1);
            return true;
        }

        if (!RtcpList.MoveNext(_entries, ref _next, EntryLength))
            return false;

        var entry = _entries[(_next - EntryLength)..];
        Current = _packetId = BinaryPrimitives.ReadUInt16BigEndian(entry);
        _mask = BinaryPrimitives.ReadUInt16BigEndian(entry[2..]);
        return true;
    }
}

/// <summary>Advances through items of one length. A truncated last item is ignored.</summary>
internal static class RtcpList
{
    public static bool MoveNext(ReadOnlySpan<byte> items, ref int next, int length)
    {
        if (items.Length - next < length)
            return false;

        next += length;
        return true;
    }
}
