namespace Sessions.Tests;

/// <summary>A clock that tests advance and can stop. Delays take real time.</summary>
public sealed class Clock : TimeProvider
{
    private TimeSpan _ahead;
    private (DateTimeOffset UtcNow, long Timestamp)? _stopped;

    public void Advance(TimeSpan time) => _ahead += time;

    /// <summary>Stops the clock, which then advances only with <see cref="Advance"/>.</summary>
    public void Stop() => _stopped ??= (base.GetUtcNow(), base.GetTimestamp());

    public override DateTimeOffset GetUtcNow() => (_stopped?.UtcNow ?? base.GetUtcNow()) + _ahead;

    public override long GetTimestamp()
        => (_stopped?.Timestamp ?? base.GetTimestamp()) + (long)(_ahead.TotalSeconds * TimestampFrequency);
}
