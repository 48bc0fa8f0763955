namespace Sessions.Tests;

/// <summary>The time of day, which tests move on; pauses take their real time.</summary>
public sealed class Clock : TimeProvider
{
    private TimeSpan _ahead;

    public void Advance(TimeSpan time) => _ahead += time;

    public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + _ahead;
}
