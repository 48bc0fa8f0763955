namespace Sessions.Media.Rtp;

/// <summary>
/// Tracks which packets of a source are missing, and when to request them again with a generic NACK (RFC 4585 section 6.2.1). Not
/// thread-safe.
/// </summary>
public sealed class MissingPackets
{
    /// <summary>The maximum number of missing packets. If more are lost at once, only a key frame helps, and all are given up.</summary>
    public const int Capacity = 256;

    /// <summary>The maximum number of times that a packet is requested.</summary>
    public const int MaxTries = 10;

    /// <summary>How long a packet is requested after its gap was noticed.</summary>
    public static readonly TimeSpan MaxAge = TimeSpan.FromSeconds(1);

    /// <summary>How late a packet may be before it is requested.</summary>
    public static readonly TimeSpan ReorderingPause = TimeSpan.FromMilliseconds(15);

    // In the order of their sequence numbers.
    private readonly Entry[] _entries = new Entry[Capacity];
    private int _count;
    private long? _highest;
    private TimeSpan _deadline;

    /// <summary>
    /// The round-trip time to the sender, which is the wait before a packet is requested again. 100 ms until it is known.
    /// </summary>
    public TimeSpan RoundTripTime { get; set; } = TimeSpan.FromMilliseconds(100);

    /// <summary>The number of packets that are missing and have not been given up.</summary>
    public int Count => _count;

    /// <summary>
    /// When to call <see cref="Due"/> next, or null if no packet is missing. It may be too early if a missing packet has arrived since.
    /// </summary>
    public TimeSpan? Deadline => _count == 0 ? null : _deadline;

    /// <summary>Records a packet that has arrived.</summary>
    /// <param name="sequenceNumber">Its extended sequence number, see <see cref="SequenceUnwrapper"/>.</param>
    /// <param name="now">When it arrived.</param>
    public void Receive(long sequenceNumber, TimeSpan now)
    {
        if (_highest is not { } highest)
            _highest = sequenceNumber;
        else if (sequenceNumber <= highest)
            Remove(sequenceNumber);
        else
        {
            AddBetween(highest, sequenceNumber, now);
            _highest = sequenceNumber;
        }
    }

    /// <summary>
    /// The packets to request now. Packets that were requested too often, or have been missing for too long, are given up.
    /// </summary>
    /// <param name="now">The time.</param>
    /// <param name="lost">Room for sequence numbers. Packets that do not fit stay due.</param>
    /// <returns>The number of sequence numbers written. They are in the order in which they were sent.</returns>
    public int Due(TimeSpan now, Span<ushort> lost)
    {
        var due = 0;
        var kept = 0;
        var deadline = TimeSpan.MaxValue;

        for (var i = 0; i < _count; i++)
        {
            var entry = _entries[i];

            if (now - entry.Noticed >= MaxAge)
                continue;

            if (entry.Next <= now && due < lost.Length)
            {
                if (entry.Tries == MaxTries)
                    continue;

                lost[due++] = (ushort)entry.SequenceNumber;
                entry = entry with { Tries = entry.Tries + 1, Next = now + Max(RoundTripTime, ReorderingPause) };
            }

            deadline = entry.Next < deadline ? entry.Next : deadline;
            _entries[kept++] = entry;
        }

        _count = kept;
        _deadline = deadline;
        return due;
    }

    private static TimeSpan Max(TimeSpan one, TimeSpan other) => one > other ? one : other;

    private void AddBetween(long highest, long sequenceNumber, TimeSpan now)
    {
        var gap = sequenceNumber - highest - 1;

        if (gap > Capacity)
        {
            _count = 0;
            return;
        }

        if (gap == 0)
            return;

        MakeRoom((int)gap);
        var next = now + ReorderingPause;
        _deadline = _count == 0 || next < _deadline ? next : _deadline;

        for (var missing = highest + 1; missing < sequenceNumber; missing++)
            _entries[_count++] = new(missing, now, next, 0);
    }

    private void MakeRoom(int gap)
    {
        var excess = _count + gap - Capacity;

        if (excess <= 0)
            return;

        _entries.AsSpan(excess, _count - excess).CopyTo(_entries);
        _count -= excess;
    }

    private void Remove(long sequenceNumber)
    {
        var entries = _entries.AsSpan(0, _count);

        // A late packet is usually one of the last entries.
        for (var i = entries.Length - 1; i >= 0 && entries[i].SequenceNumber >= sequenceNumber; i--)
        {
            if (entries[i].SequenceNumber != sequenceNumber)
                continue;

            entries[(i + 1)..].CopyTo(entries[i..]);
            _count--;
            return;
        }
    }

    private readonly record struct Entry(long SequenceNumber, TimeSpan Noticed, TimeSpan Next, int Tries);
}
