namespace Sessions.Media.Forwarding;

/// <summary>
/// Limits the video that is sent to a subscriber. There is no limit until the subscriber reports loss. The limit is then 80% of the bit
/// rate that arrived, or of the subscriber's own estimate (REMB) if that is lower. After a pause all video is tried again, and the pause
/// doubles each time that this fails. Audio is never limited.
/// </summary>
internal sealed class VideoBudget
{
    /// <summary>
    /// The fraction of lost packets from which a link counts as too narrow. Below it, lost packets are only retransmitted.
    /// </summary>
    public const double TooMuchLoss = 0.1;

    private const double Caution = 0.8;

    private static readonly TimeSpan FirstPause = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(60);

    // How long after a change the reports still describe the time before it.
    private static readonly TimeSpan Settling = TimeSpan.FromSeconds(3);

    // A try that lasts this long has succeeded.
    private static readonly TimeSpan Proof = TimeSpan.FromSeconds(15);

    private TimeSpan _pause = FirstPause;
    private TimeSpan _changed;
    private int _badReports;
    private long _limit = long.MaxValue;

    /// <summary>The maximum bit rate of video, in bit/s, or null for no limit.</summary>
    public long? BitRate { get; private set; }

    /// <summary>Processes the subscriber's loss report, which arrives about once a second.</summary>
    /// <param name="lost">The fraction of packets that did not arrive, 0 to 1.</param>
    /// <param name="sent">The bit rate of the video that was sent, in bit/s.</param>
    /// <param name="now">The time.</param>
    public void ReportLoss(double lost, long sent, TimeSpan now)
    {
        if (lost < TooMuchLoss)
            _badReports = 0;
        else if (++_badReports >= 2)
            Narrow((long)(Math.Min(sent * (1 - lost), _limit) * Caution), now);
    }

    /// <summary>
    /// Processes the total bit rate that the subscriber says it can receive. It is used only together with loss. A browser's estimate
    /// follows the bit rate that it receives, so the estimate is far too low whenever the server begins to send more.
    /// </summary>
    /// <param name="limit">The limit, in bit/s.</param>
    /// <param name="sentAudio">The bit rate of the audio that was sent, in bit/s.</param>
    public void ReportLimit(long limit, long sentAudio) => _limit = Math.Max(0, limit - sentAudio);

    /// <summary>Removes the limit when the pause is over.</summary>
    public void Advance(TimeSpan now)
    {
        if (BitRate is null)
        {
            if (now - _changed >= Proof)
                _pause = FirstPause;
            return;
        }

        if (now - _changed < _pause)
            return;

        (BitRate, _changed, _badReports) = (null, now, 0);
        _pause = _pause * 2 < LongestPause ? _pause * 2 : LongestPause;
    }

    private void Narrow(long bitRate, TimeSpan now)
    {
        if (BitRate is { } already && now - _changed < Settling)
            bitRate = Math.Min(already, bitRate);
        (BitRate, _changed, _badReports) = (bitRate, now, 0);
    }
}
