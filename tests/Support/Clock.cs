namespace Sessions.Tests;

/// <summary>A clock that tests advance and can stop. Delays take real time.</summary>
public sealed class Clock : TimeProvider
{
    private TimeSpan _ahead;
    private Moment? _stopped;

    public void Advance(TimeSpan time) => _ahead += time;

    /// <summary>Stops the clock, which then advances only with <see cref="Advance"/>.</summary>
    public void Stop() => _stopped ??= new(base.GetUtcNow(), base.GetTimestamp());

    public override DateTimeOffset GetUtcNow() => (_stopped?.UtcNow ?? base.GetUtcNow()) + _ahead;

    public override long GetTimestamp()
        => (_stopped?.Timestamp ?? base.GetTimestamp()) + (long)(_ahead.TotalSeconds * TimestampFrequency);

    private sealed record Moment(DateTimeOffset UtcNow, long Timestamp);
}
