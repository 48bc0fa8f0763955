namespace Sessions.Media.Forwarding;

/// <summary>
/// The last second of a video track's packets, from which lost ones are sent again (RFC 4585, section 6.2.1). The bytes are in one
/// ring that grows with the track's bit rate up to <see cref="MaxBytes"/>; afterwards the oldest packet is forgotten early.
/// </summary>
internal sealed class PacketCache
{
    public const int MaxBytes = 512 * 1024;

    private const int FirstBytes = 16 * 1024;
    private const int FirstPackets = 32;

    private static readonly TimeSpan Kept = TimeSpan.FromSeconds(1);

    private byte[] _bytes = new byte[FirstBytes];
    private Entry[] _entries = new Entry[FirstPackets];
    private long _firstEntry;
    private long _nextEntry;
    private long _firstByte;
    private long _nextByte;

    /// <summary>How many packets are kept.</summary>
    public int Count => (int)(_nextEntry - _firstEntry);

    /// <summary>How many bytes are reserved.</summary>
    public int Capacity => _bytes.Length;

    /// <summary>Keeps a copy of a packet.</summary>
    /// <param name="sequenceNumber">Its extended sequence number.</param>
    /// <param name="packet">The packet, not encrypted.</param>
    /// <param name="now">The time of its arrival.</param>
    public void Add(long sequenceNumber, ReadOnlySpan<byte> packet, TimeSpan now)
    {
        while (Count > 0 && now - Oldest.Received > Kept)
            Forget();
        MakeRoom(packet.Length);

        // A packet is never cut at the end of the ring.
        var start = _nextByte;
        if (Offset(start) + packet.Length > _bytes.Length)
            start += _bytes.Length - Offset(start);
        packet.CopyTo(_bytes.AsSpan(Offset(start)));
        _entries[_nextEntry++ % _entries.Length] = new(sequenceNumber, start, packet.Length, now);
        _nextByte = start + packet.Length;
    }

    /// <summary>Forgets all packets: what follows has numbers of its own.</summary>
    public void Clear()
    {
        while (Count > 0)
            Forget();
    }

    /// <summary>Copies a packet to <paramref name="destination"/>; false when it is not kept.</summary>
    public bool TryCopy(long sequenceNumber, Span<byte> destination, out int length)
    {
        // The youngest is asked for most often.
        for (var index = _nextEntry - 1; index >= _firstEntry; index--)
        {
            ref readonly var entry = ref _entries[index % _entries.Length];
            if (entry.SequenceNumber != sequenceNumber)
                continue;

            length = entry.Length;
            _bytes.AsSpan(Offset(entry.Start), length).CopyTo(destination);
            return true;
        }

        length = 0;
        return false;
    }

    private ref readonly Entry Oldest => ref _entries[_firstEntry % _entries.Length];

    private int Offset(long position) => (int)(position % _bytes.Length);

    private void Forget()
    {
        _firstEntry++;
        _firstByte = Count > 0 ? Oldest.Start : _nextByte;
    }

    private void MakeRoom(int length)
    {
        // Twice the length, for the rest of the ring that a packet that would be cut leaves empty.
        while (_nextByte - _firstByte + (2 * length) > _bytes.Length && Count > 0)
        {
            if (_bytes.Length < MaxBytes)
                Grow(Math.Min(MaxBytes, _bytes.Length + (_bytes.Length / 2)), _entries.Length);
            else
                Forget();
        }

        if (Count == _entries.Length)
            Grow(_bytes.Length, _entries.Length * 2);
    }

    private void Grow(int bytes, int packets)
    {
        var (oldBytes, oldEntries, first, next) = (_bytes, _entries, _firstEntry, _nextEntry);
        (_bytes, _entries) = (new byte[bytes], new Entry[packets]);
        (_firstEntry, _nextEntry, _firstByte, _nextByte) = (0, 0, 0, 0);
        for (var index = first; index < next; index++)
        {
            var entry = oldEntries[index % oldEntries.Length];
            oldBytes.AsSpan((int)(entry.Start % oldBytes.Length), entry.Length).CopyTo(_bytes.AsSpan((int)_nextByte));
            _entries[_nextEntry++] = entry with { Start = _nextByte };
            _nextByte += entry.Length;
        }
    }

    private readonly record struct Entry(long SequenceNumber, long Start, int Length, TimeSpan Received);
}
