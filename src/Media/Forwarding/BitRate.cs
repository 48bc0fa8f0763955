namespace Sessions.Media.Forwarding;

/// <summary>The bit rate of the last full half second.</summary>
internal struct BitRate
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(500);

    private TimeSpan _start;
    private long _bytes;
    private long _last;

    /// <summary>Counts a packet.</summary>
    public void Add(int bytes, TimeSpan now)
    {
        Roll(now);
        _bytes += bytes;
    }

    /// <summary>The bit rate in bit/s.</summary>
    public long At(TimeSpan now)
    {
        Roll(now);
        return _last;
    }

    private void Roll(TimeSpan now)
    {
        var elapsed = now - _start;
        if (elapsed < Interval)
            return;

        _last = elapsed < 2 * Interval ? (long)(_bytes * 8 / elapsed.TotalSeconds) : 0;
        (_start, _bytes) = (now, 0);
    }
}
