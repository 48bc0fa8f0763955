namespace Sessions.Tests.Media.Network;

/// <summary>
/// A network in virtual time, the same in every run with the same seed. Events happen in the order of their times, and no time passes in
/// between.
/// </summary>
internal sealed class VirtualNetwork(int seed)
{
    private readonly PriorityQueue<Action, (TimeSpan Time, long Order)> _events = new();
    private long _order;

    public Random Random { get; } = new(seed);

    public TimeSpan Now { get; private set; } = TimeSpan.FromHours(1);

    /// <summary>The number of events so far, which orders events at the same time.</summary>
    public long Step { get; private set; }

    public void Schedule(TimeSpan time, Action action) => _events.Enqueue(action, (time, _order++));

    /// <summary>Advances the time.</summary>
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

    /// <summary>Moves the clock forward without running any events, as after a machine has slept.</summary>
    public void Jump(TimeSpan duration) => Now += duration;
}

/// <summary>One direction of a path through the network.</summary>
internal sealed class Link(VirtualNetwork network)
{
    // Its own, because the datagrams of different links are in no fixed order.
    private readonly Random _random = new(network.Random.Next());

    private TimeSpan _isFreeAt;

    /// <summary>The probability that a datagram is lost.</summary>
    public double Loss { get; set; }

    /// <summary>The probability that a datagram arrives twice.</summary>
    public double Duplication { get; set; }

    public TimeSpan MinDelay { get; set; } = TimeSpan.FromMilliseconds(20);

    /// <summary>The maximum delay. The difference to <see cref="MinDelay"/> reorders datagrams.</summary>
    public TimeSpan MaxDelay { get; set; } = TimeSpan.FromMilliseconds(20);

    public bool IsBlocked { get; set; }

    /// <summary>The bit rate of the bottleneck, which has a queue of <see cref="MaxQueue"/>, or null if there is no bottleneck.</summary>
    public long? BitRate { get; set; }

    public TimeSpan MaxQueue { get; set; } = TimeSpan.FromMilliseconds(200);

    public void Send(int length, Action arrive)
    {
        if (IsBlocked)
            return;

        if (_random.NextDouble() >= Loss && TryQueue(length, out var queued))
            network.Schedule(network.Now + queued + Delay(), arrive);
        if (Duplication > 0 && _random.NextDouble() < Duplication)
            network.Schedule(network.Now + 3 * Delay(), arrive);
    }

    private TimeSpan Delay() => MinDelay + (MaxDelay - MinDelay) * _random.NextDouble();

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
