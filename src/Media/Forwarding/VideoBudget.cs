namespace Sessions.Media.Forwarding;

/// <summary>
/// How much video a subscriber is sent. It is everything until the subscriber reports loss. Then it is what arrived, or what the
/// subscriber says it can receive (REMB) if that is less, and after a pause everything is tried once more: the pause doubles each time
/// that fails. Audio is never counted out.
/// </summary>
internal sealed class VideoBudget
{
    /// <summary>The part of packets lost from which a link counts as too narrow. Below, lost packets are sent again.</summary>
    public const double TooMuchLoss = 0.1;

    private const double Caution = 0.8;

    private static readonly TimeSpan FirstPause = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(60);

    // How long the reports after a change still tell of before it.
    private static readonly TimeSpan Settling = TimeSpan.FromSeconds(3);

    // A try that lasted as long has not failed.
    private static readonly TimeSpan Proof = TimeSpan.FromSeconds(15);

    private TimeSpan _pause = FirstPause;
    private TimeSpan _changed;
    private int _badReports;
    private long _limit = long.MaxValue;

    /// <summary>The most video, in bit/s; null for everything.</summary>
    public long? BitRate { get; private set; }

    /// <summary>Takes the subscriber's report of loss, which comes about once a second.</summary>
    /// <param name="lost">The part of the packets that did not arrive, 0 to 1.</param>
    /// <param name="sent">What was sent of video, in bit/s.</param>
    /// <param name="now">The time.</param>
    public void ReportLoss(double lost, long sent, TimeSpan now)
    {
        if (lost < TooMuchLoss)
            _badReports = 0;
        else if (++_badReports >= 2)
            Narrow((long)(Math.Min(sent * (1 - lost), _limit) * Caution), now);
    }

    /// <summary>
    /// Takes the most that the subscriber says it can receive in all. It counts only beside loss: a browser's estimate follows what it
    /// receives, so that it is far too low whenever more begins to be sent.
    /// </summary>
    /// <param name="limit">The limit, in bit/s.</param>
    /// <param name="sentAudio">What was sent of audio, in bit/s.</param>
    public void ReportLimit(long limit, long sentAudio) => _limit = Math.Max(0, limit - sentAudio);

    /// <summary>Tries everything again when it is time.</summary>
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
