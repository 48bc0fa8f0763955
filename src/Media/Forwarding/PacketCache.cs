namespace Sessions.Media.Forwarding;

/// <summary>
/// The last second of a video track's packets, for retransmission (RFC 4585, section 6.2.1). The bytes are in one ring buffer that grows
/// with the track's bit rate up to <see cref="MaxBytes"/>. When it is full, the oldest packet is removed early.
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

    /// <summary>The number of packets in the cache.</summary>
    public int Count => (int)(_nextEntry - _firstEntry);

    /// <summary>The number of bytes allocated.</summary>
    public int Capacity => _bytes.Length;

    /// <summary>Adds a copy of a packet.</summary>
    /// <param name="sequenceNumber">Its extended sequence number.</param>
    /// <param name="packet">The unencrypted packet.</param>
    /// <param name="now">The time of its arrival.</param>
    public void Add(long sequenceNumber, ReadOnlySpan<byte> packet, TimeSpan now)
    {
        while (Count > 0 && now - Oldest.Received > Kept)
            Forget();
        MakeRoom(packet.Length);

        // A packet never wraps around the end of the ring buffer.
        var start = _nextByte;
        if (Offset(start) + packet.Length > _bytes.Length)
            start += _bytes.Length - Offset(start);
        packet.CopyTo(_bytes.AsSpan(Offset(start)));
        _entries[_nextEntry++ % _entries.Length] = new(sequenceNumber, start, packet.Length, now);
        _nextByte = start + packet.Length;
    }

    /// <summary>Removes all packets, because the next packets have their own numbering.</summary>
    public void Clear()
    {
        while (Count > 0)
            Forget();
    }

    /// <summary>Copies a packet to <paramref name="destination"/>. False if the packet is not in the cache.</summary>
    public bool TryCopy(long sequenceNumber, Span<byte> destination, out int length)
    {
        // The newest packets are requested most often.
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
        // Twice the length, because a packet that does not fit before the end of the ring buffer leaves that end unused.
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
