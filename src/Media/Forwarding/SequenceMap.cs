namespace Sessions.Media.Forwarding;

/// <summary>
/// Maps a source's sequence numbers and timestamps to those of one outgoing stream. The outgoing stream stays continuous (RFC 3550, section
/// 5.1) when its source changes, restarts or was paused. Sequence numbers are extended, so they never wrap here.
/// </summary>
internal struct SequenceMap(int clockRate, ushort firstSequenceNumber, uint firstTimestamp)
{
    // A sequence number 2^15 ahead is taken for an earlier one (RFC 3711, section 3.3.1). Two packets would then be encrypted with the same
    // index.
    private const int MaxDistance = 1 << 14;

    private long _sequenceOffset;
    private uint _timestampOffset;
    private long _from;
    private bool _hasSent;
    private long _highest = firstSequenceNumber - 1L;
    private uint _lastTimestamp = firstTimestamp;
    private TimeSpan _lastTime;

    /// <summary>The number of sequence numbers that have been used or skipped.</summary>
    public readonly long Count => _highest - firstSequenceNumber + 1;

    /// <summary>The offset that is added to a timestamp of the source.</summary>
    public readonly uint TimestampOffset => _timestampOffset;

    /// <summary>Resumes the mapping with this packet of the source, which becomes the successor of the last packet sent.</summary>
    public void Resume(long sequenceNumber, uint timestamp, TimeSpan now)
    {
        _from = sequenceNumber;
        _sequenceOffset = _highest + 1 - sequenceNumber;
        var elapsed = _hasSent ? (uint)Math.Max(1, (long)((now - _lastTime).TotalSeconds * clockRate)) : 0;
        _timestampOffset = _lastTimestamp + elapsed - timestamp;
    }

    /// <summary>Whether the packet precedes the last one that was sent.</summary>
    public readonly bool IsBehind(long sequenceNumber) => _hasSent && sequenceNumber + _sequenceOffset <= _highest;

    /// <summary>Whether the gap before a packet is so large that the mapping has to resume with this packet.</summary>
    public readonly bool IsFarAhead(long sequenceNumber) => sequenceNumber + _sequenceOffset - _highest > MaxDistance;

    /// <summary>
    /// The outgoing numbers of a packet. False if it is older than the packet with which the mapping resumed, or too far from the highest
    /// one.
    /// </summary>
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

    /// <summary>The source's number of a packet that was sent since the mapping last resumed. False if there is none.</summary>
    public readonly bool TryMapBack(ushort outgoing, out long sequenceNumber)
    {
        // The extended number nearest to the highest one.
        var mapped = _highest + (short)(outgoing - (ushort)_highest);
        sequenceNumber = mapped - _sequenceOffset;
        return _hasSent && mapped <= _highest && sequenceNumber >= _from;
    }
}
