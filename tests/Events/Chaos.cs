using Sessions.Storage;
using Sessions.Tests.Simulation;

namespace Sessions.Tests.Events;

/// <summary>
/// Tables with fault injection. Calls happen one at a time, in an order determined by a seed. Some calls get no response, and a write
/// without a response may have been applied, or may be applied later. Everything runs on one thread, so that a seed always produces the
/// same run.
/// </summary>
internal sealed class Chaos(int seed)
{
    private readonly Random _random = new(seed);
    private readonly SimulatedRows _rows = new();
    private readonly List<(TableCall Call, TaskCompletionSource<TableAnswer> Answer)> _pending = [];
    private readonly List<TableCall> _late = [];
    private readonly Pump _pump = new();
    private int _etags;

    public Random Random => _random;

    public TimeProvider Time => _pump.Time;

    /// <summary>Whether responses are lost.</summary>
    public bool IsOn { get; set; } = true;

    /// <summary>Tables that respond immediately.</summary>
    public Tables Calm() => new(name => new SimulatedTable(name, call => Task.FromResult(Do(call))));

    /// <summary>Tables for a program that runs concurrently with others.</summary>
    public Tables Stormy() => new(name => new SimulatedTable(name, call =>
    {
        var answer = new TaskCompletionSource<TableAnswer>();
        _pending.Add((call, answer));
        return answer.Task;
    }, pageSize: 7));

    public void Advance(TimeSpan time) => _pump.Now += time;

    /// <summary>Runs all actors to completion, with <paramref name="between"/> between two calls.</summary>
    public void Run(IReadOnlyList<Func<Task>> actors, Func<Task> between)
    {
        var before = SynchronizationContext.Current;
        SynchronizationContext.SetSynchronizationContext(_pump);
        try
        {
            var running = actors.Select(actor => actor()).ToArray();
            for (var steps = 0; !running.All(actor => actor.IsCompleted); steps++)
            {
                Assert.True(steps < 200_000, "It does not end.");
                _pump.Drain();
                if (_pending.Count > 0)
                    Step();
                var change = between();
                _pump.Drain();
                Assert.True(change.IsCompleted);
                change.GetAwaiter().GetResult();
            }

            Task.WhenAll(running).GetAwaiter().GetResult();
        }
        finally
        {
            SynchronizationContext.SetSynchronizationContext(before);
        }
    }

    private TableAnswer Do(TableCall call) => _rows.Execute(call, new($"{++_etags}"));

    private void Step()
    {
        if (_late.Count > 0 && _random.Next(10) == 0)
        {
            var late = _late[_random.Next(_late.Count)];
            _late.Remove(late);
            Do(late);
        }

        var index = _random.Next(_pending.Count);
        var (call, answer) = _pending[index];
        _pending.RemoveAt(index);
        var fate = IsOn ? _random.Next(20) : 0;
        if (fate == 1 && call.IsWrite)
            _late.Add(call);
        else if (fate != 3)
        {
            var made = Do(call);
            answer.SetResult(fate == 2 ? TableAnswer.Lost : made);
            return;
        }

        answer.SetResult(TableAnswer.Lost);
    }

    /// <summary>One thread, with timers that fire immediately.</summary>
    private sealed class Pump : SynchronizationContext
    {
        private readonly Queue<Action> _work = [];

        public Pump() => Time = new InstantTime(this);

        public TimeProvider Time { get; }

        public DateTimeOffset Now { get; set; } = new(2030, 1, 1, 0, 0, 0, TimeSpan.Zero);

        public override void Post(SendOrPostCallback d, object? state)
        {
            lock (_work)
                _work.Enqueue(() => d(state));
        }

        public void Drain()
        {
            while (true)
            {
                Action? next;
                lock (_work)
                    _work.TryDequeue(out next);
                if (next is null)
                    return;
                next();
            }
        }

        private sealed class InstantTime(Pump pump) : TimeProvider
        {
            public override DateTimeOffset GetUtcNow() => pump.Now;

            public override long GetTimestamp() => pump.Now.Ticks;

            public override long TimestampFrequency => TimeSpan.TicksPerSecond;

            public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
            {
                if (dueTime >= TimeSpan.Zero)
                    pump.Post(state => callback(state), state);
                return new NoTimer();
            }
        }

        private sealed class NoTimer : ITimer
        {
            public bool Change(TimeSpan dueTime, TimeSpan period) => false;

            public void Dispose()
            {
            }

            public ValueTask DisposeAsync() => ValueTask.CompletedTask;
        }
    }
}
