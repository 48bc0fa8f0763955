namespace Sessions.Tests;

/// <summary>The time, which tests move on and can have stand still; pauses take their real time.</summary>
public sealed class Clock : TimeProvider
{
    private TimeSpan _ahead;
    private (DateTimeOffset UtcNow, long Timestamp)? _stopped;

    public void Advance(TimeSpan time) => _ahead += time;

    /// <summary>From now on only <see cref="Advance"/> moves the time on.</summary>
    public void Stop() => _stopped ??= (base.GetUtcNow(), base.GetTimestamp());

    public override DateTimeOffset GetUtcNow() => (_stopped?.UtcNow ?? base.GetUtcNow()) + _ahead;

    public override long GetTimestamp()
        => (_stopped?.Timestamp ?? base.GetTimestamp()) + (long)(_ahead.TotalSeconds * TimestampFrequency);
}
