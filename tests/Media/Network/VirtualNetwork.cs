namespace Sessions.Tests.Media.Network;

/// <summary>
/// A network in virtual time, the same for every run of a seed: what is sent or scheduled happens in the order of its time, and no
/// time passes in between.
/// </summary>
internal sealed class VirtualNetwork(int seed)
{
    private readonly PriorityQueue<Action, (TimeSpan Time, long Order)> _events = new();
    private long _order;

    public Random Random { get; } = new(seed);

    public TimeSpan Now { get; private set; } = TimeSpan.FromHours(1);

    /// <summary>How many things have happened: tells before from after within one moment.</summary>
    public long Step { get; private set; }

    public void Schedule(TimeSpan time, Action action) => _events.Enqueue(action, (time, _order++));

    /// <summary>Lets time pass.</summary>
    public void Run(TimeSpan duration)
    {
        var end = Now + duration;
        while (_events.TryPeek(out var action, out var key) && key.Time <= end)
        {
            _events.Dequeue();
            Now = key.Time > Now ? key.Time : Now;
            Step++;
            action();
        }

        Now = end;
    }

    /// <summary>The clock goes forward, and nothing happens in between: as after a machine has slept.</summary>
    public void Jump(TimeSpan duration) => Now += duration;
}

/// <summary>One direction of a way through the network.</summary>
internal sealed class Link(VirtualNetwork network)
{
    private TimeSpan _isFreeAt;

    /// <summary>The probability that a datagram gets lost.</summary>
    public double Loss { get; set; }

    /// <summary>The probability that a datagram comes twice.</summary>
    public double Duplication { get; set; }

    public TimeSpan MinDelay { get; set; } = TimeSpan.FromMilliseconds(20);

    /// <summary>The longest time on the way; the difference to <see cref="MinDelay"/> reorders.</summary>
    public TimeSpan MaxDelay { get; set; } = TimeSpan.FromMilliseconds(20);

    public bool IsBlocked { get; set; }

    /// <summary>The bits in a second of the narrowest part, which has a queue of <see cref="MaxQueue"/>; null for no such part.</summary>
    public long? BitRate { get; set; }

    public TimeSpan MaxQueue { get; set; } = TimeSpan.FromMilliseconds(200);

    public void Send(int length, Action arrive)
    {
        if (IsBlocked)
            return;

        if (network.Random.NextDouble() >= Loss && TryQueue(length, out var queued))
            network.Schedule(network.Now + queued + Delay(), arrive);
        if (Duplication > 0 && network.Random.NextDouble() < Duplication)
            network.Schedule(network.Now + 3 * Delay(), arrive);
    }

    private TimeSpan Delay() => MinDelay + (MaxDelay - MinDelay) * network.Random.NextDouble();

    private bool TryQueue(int length, out TimeSpan queued)
    {
        queued = default;
        if (BitRate is not { } bitRate)
            return true;

        const int IpAndUdp = 28;
        var start = _isFreeAt > network.Now ? _isFreeAt : network.Now;
        if (start - network.Now > MaxQueue)
            return false;

        _isFreeAt = start + TimeSpan.FromSeconds((length + IpAndUdp) * 8.0 / bitRate);
        queued = _isFreeAt - network.Now;
        return true;
    }
}
