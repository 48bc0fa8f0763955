namespace Sessions.Media.Rtp;

/// <summary>
/// Counts the packets received from one source and reports them (RFC 3550 sections 6.4.1, A.1, A.3 and A.8). A source has no probation
/// period, because its packets are authenticated.
/// </summary>
/// <param name="clockRate">Units of the RTP timestamp in a second.</param>
public sealed class ReceptionStatistics(int clockRate)
{
    /// <summary>A sequence number at least this far ahead starts a new sequence.</summary>
    private const int MaxDropout = 3000;

    /// <summary>A sequence number at least this far behind starts a new sequence.</summary>
    private const int MaxMisorder = 100;

    private const int MaxCumulativeLost = 0x7f_ffff;
    private const int MinCumulativeLost = -0x80_0000;

    private bool _hasStarted;
    private long _first;
    private long _highest;
    private long _received;
    private long _expectedBefore;
    private long _receivedBefore;
    private ushort? _restartsAt;
    private int _transit;
    private bool _hasTransit;
    private uint _jitter;
    private uint _lastSenderReport;
    private TimeSpan _lastSenderReportAt;

    /// <summary>Whether any packet has been received. Until then there is nothing to report.</summary>
    public bool HasStarted => _hasStarted;

    /// <summary>Counts a packet.</summary>
    /// <param name="sequenceNumber">Its sequence number.</param>
    /// <param name="timestamp">Its RTP timestamp.</param>
    /// <param name="now">When it arrived.</param>
    public void Receive(ushort sequenceNumber, uint timestamp, TimeSpan now)
    {
        if (!Count(sequenceNumber))
            return;

        // Modulo 2^32, like the timestamps.
        var transit = (int)(Units(now) - timestamp);

        if (_hasTransit)
        {
            // A jump of the timestamps by minutes is not jitter.
            var difference = Math.Abs((long)(transit - _transit));
            _jitter = (uint)Math.Min(int.MaxValue, _jitter + difference - ((_jitter + 8) >> 4));
        }

        _transit = transit;
        _hasTransit = true;
    }

    /// <summary>Records a sender report of the source.</summary>
    /// <param name="ntpTime">Its NTP time.</param>
    /// <param name="now">When it arrived.</param>
    public void ReceiveSenderReport(ulong ntpTime, TimeSpan now)
    {
        _lastSenderReport = (uint)(ntpTime >> 16);
        _lastSenderReportAt = now;
    }

    /// <summary>The block for the next report. The counters since the previous report are reset.</summary>
    /// <param name="ssrc">The source.</param>
    /// <param name="now">When the report is sent.</param>
    public ReportBlock Report(uint ssrc, TimeSpan now)
    {
        var expected = _hasStarted ? _highest - _first + 1 : 0;
        var expectedNow = expected - _expectedBefore;
        var lostNow = expectedNow - (_received - _receivedBefore);
        _expectedBefore = expected;
        _receivedBefore = _received;

        return new(
            ssrc,
            lostNow > 0 ? (byte)Math.Min(byte.MaxValue, lostNow * 256 / expectedNow) : (byte)0,
            (int)Math.Clamp(expected - _received, MinCumulativeLost, MaxCumulativeLost),
            (uint)_highest,
            _jitter >> 4,
            _lastSenderReport,
            _lastSenderReport == 0 ? 0 : (uint)Math.Clamp((now - _lastSenderReportAt).TotalSeconds * 65536, 0, uint.MaxValue));
    }

    // Two consecutive packets far from the others mean that the source has restarted (RFC 3550 section A.1).
    private bool Count(ushort sequenceNumber)
    {
        var distance = (short)(sequenceNumber - (ushort)_highest);

        if (!_hasStarted || (distance is >= MaxDropout or <= -MaxMisorder && sequenceNumber == _restartsAt))
            Start(sequenceNumber);
        else if (distance is >= MaxDropout or <= -MaxMisorder)
        {
            _restartsAt = (ushort)(sequenceNumber + 1);
            return false;
        }

        _highest = Math.Max(_highest, _highest + (short)(sequenceNumber - (ushort)_highest));
        _received++;
        _restartsAt = null;
        return true;
    }

    private void Start(ushort sequenceNumber)
    {
        _hasStarted = true;
        _first = _highest = sequenceNumber;
        _received = _receivedBefore = _expectedBefore = 0;
        _hasTransit = false;
    }

    // In two steps, because ticks multiplied by the clock rate would overflow within a year.
    private uint Units(TimeSpan time)
    {
        var (seconds, ticks) = Math.DivRem(time.Ticks, TimeSpan.TicksPerSecond);
        return unchecked((uint)((seconds * clockRate) + (ticks * clockRate / TimeSpan.TicksPerSecond)));
    }
}
