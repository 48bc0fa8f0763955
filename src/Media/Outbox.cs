namespace Sessions.Media;

/// <summary>
/// The datagrams to send after a call to the media state machines. The caller owns the outbox, sends its contents after the call, and
/// clears it. A cleared outbox is filled again without allocation. Not thread-safe.
/// </summary>
public sealed class Outbox
{
    // Enough for a handshake flight. An outbox that is reused grows once to the size that it needs.
    private byte[] _bytes = new byte[4 * 1024];
    private Entry[] _entries = new Entry[8];
    private int _used;

    /// <summary>The number of datagrams to send.</summary>
    public int Count { get; private set; }

    /// <summary>The datagram at <paramref name="index"/> and its destination.</summary>
    public (Flow Flow, ReadOnlyMemory<byte> Datagram) this[int index]
        => (_entries[index].Flow, _bytes.AsMemory(_entries[index].Start, _entries[index].Length));

    /// <summary>
    /// Reserves room for a datagram of at most <paramref name="maxLength"/> bytes. <see cref="Commit"/> adds the datagram.
    /// </summary>
    public Span<byte> Reserve(int maxLength)
    {
        if (_bytes.Length - _used < maxLength)
            Array.Resize(ref _bytes, Math.Max(_bytes.Length * 2, _used + maxLength));

        return _bytes.AsSpan(_used, maxLength);
    }

    /// <summary>Adds the first <paramref name="length"/> bytes of the room that was reserved last.</summary>
    public void Commit(Flow flow, int length)
    {
        if (Count == _entries.Length)
            Array.Resize(ref _entries, Count * 2);

        _entries[Count++] = new(flow, _used, length);
        _used += length;
    }

    /// <summary>Adds a copy of a datagram.</summary>
    public void Add(Flow flow, ReadOnlySpan<byte> datagram)
    {
        datagram.CopyTo(Reserve(datagram.Length));
        Commit(flow, datagram.Length);
    }

    /// <summary>Removes all datagrams after they have been sent.</summary>
    public void Clear()
    {
        Array.Clear(_entries, 0, Count);
        Count = _used = 0;
    }

    private readonly record struct Entry(Flow Flow, int Start, int Length);
}
