namespace Sessions.Media.Forwarding;

/// <summary>
/// How a source's sequence numbers and timestamps become those of one outgoing stream, which stays continuous (RFC 3550, section
/// 5.1) when the source is another, has begun anew, or was left out for a while. Numbers are extended, and so never wrap here.
/// </summary>
internal struct SequenceMap(int clockRate, ushort firstSequenceNumber, uint firstTimestamp)
{
    // A receiver takes a number that is 2^15 away for one from before (RFC 3711, section 3.3.1): then two packets would be encrypted alike.
    private const int MaxDistance = 1 << 14;

    private long _sequenceOffset;
    private uint _timestampOffset;
    private long _from;
    private bool _hasSent;
    private long _highest = firstSequenceNumber - 1L;
    private uint _lastTimestamp = firstTimestamp;
    private TimeSpan _lastTime;

    /// <summary>How many numbers have been used, and left out.</summary>
    public readonly long Count => _highest - firstSequenceNumber + 1;

    /// <summary>Added to a timestamp of the source.</summary>
    public readonly uint TimestampOffset => _timestampOffset;

    /// <summary>Begins anew with this packet of the source: it becomes the successor of the last one sent.</summary>
    public void Resume(long sequenceNumber, uint timestamp, TimeSpan now)
    {
        _from = sequenceNumber;
        _sequenceOffset = _highest + 1 - sequenceNumber;
        var elapsed = _hasSent ? (uint)Math.Max(1, (long)((now - _lastTime).TotalSeconds * clockRate)) : 0;
        _timestampOffset = _lastTimestamp + elapsed - timestamp;
    }

    /// <summary>Whether the packet comes before the last one that was sent.</summary>
    public readonly bool IsBehind(long sequenceNumber) => _hasSent && sequenceNumber + _sequenceOffset <= _highest;

    /// <summary>Whether so many numbers were left out before a packet that it has to be begun anew with it.</summary>
    public readonly bool IsFarAhead(long sequenceNumber) => sequenceNumber + _sequenceOffset - _highest > MaxDistance;

    /// <summary>The outgoing numbers of a packet; false for one that is older than the packet that was begun with, or far too old.</summary>
    public bool TryMap(long sequenceNumber, uint timestamp, TimeSpan now, out ushort outgoing, out uint outgoingTimestamp)
    {
        var mapped = sequenceNumber + _sequenceOffset;
        (outgoing, outgoingTimestamp) = ((ushort)mapped, timestamp + _timestampOffset);
        if (sequenceNumber < _from || Math.Abs(mapped - _highest) > MaxDistance)
            return false;

        if (mapped > _highest)
            (_highest, _lastTimestamp, _lastTime, _hasSent) = (mapped, outgoingTimestamp, now, true);
        return true;
    }

    /// <summary>The source's number of a packet that was sent since the last beginning; false when it was not.</summary>
    public readonly bool TryMapBack(ushort outgoing, out long sequenceNumber)
    {
        // The extended number nearest to the highest one.
        var mapped = _highest + (short)(outgoing - (ushort)_highest);
        sequenceNumber = mapped - _sequenceOffset;
        return _hasSent && mapped <= _highest && sequenceNumber >= _from;
    }
}
