using System.Runtime.InteropServices;
using Sessions.Media;

namespace Sessions.MediaBench;

/// <summary>The thread that sends the packets of all devices at evenly spread times.</summary>
internal sealed partial class Sender : IDisposable
{
    private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(10);
    private static readonly TimeSpan ReportInterval = TimeSpan.FromSeconds(1);

    private readonly Lock _gate = new();
    private readonly PriorityQueue<(LoadDevice Device, MediaKind Kind, TimeSpan Due), TimeSpan> _due = new();
    private readonly List<LoadDevice> _devices = [];
    private readonly Func<TimeSpan> _time;
    private readonly Thread _thread;
    private TimeSpan _nextReport;
    private int _reported;
    private volatile bool _isStopped;

    public Sender(Func<TimeSpan> time)
    {
        _time = time;
        _thread = new(Run) { IsBackground = true, Name = "Sender" };
        _thread.Start();
    }

    /// <summary>Keeps a device's connections alive, and sends its packets as soon as they are ready.</summary>
    public void Add(LoadDevice device)
    {
        lock (_gate)
        {
            _devices.Add(device);
            foreach (var kind in new[] { MediaKind.Audio, MediaKind.Video })
            {
                var due = _time() + (device.Track(kind).Interval * Random.Shared.NextDouble());
                _due.Enqueue((device, kind, due), due);
            }
        }
    }

    /// <summary>Stops sending packets of the current devices. Their connections stay open.</summary>
    public void Silence()
    {
        lock (_gate)
            _due.Clear();
    }

    public void Dispose()
    {
        _isStopped = true;
        _thread.Join();
    }

    private void Run()
    {
        var nextTick = TimeSpan.Zero;
        while (!_isStopped)
        {
            TimeSpan next;
            lock (_gate)
            {
                var now = _time();
                if (now >= nextTick)
                {
                    nextTick = now + Tick;
                    AdvanceConnections(now);
                }

                SendDue(now);
                next = _due.TryPeek(out _, out var due) && due < nextTick ? due : nextTick;
            }

            var wait = next - _time();
            if (wait > TimeSpan.Zero)
                _ = Sleep((uint)Math.Min(10_000, wait.TotalMicroseconds));
        }
    }

    private void SendDue(TimeSpan now)
    {
        while (_due.TryPeek(out var entry, out var due) && due <= now)
        {
            var track = entry.Device.Track(entry.Kind);
            track.Advance();
            for (var index = 0; index < track.PacketsInInterval; index++)
                entry.Device.Publishing.Send(track, index);
            _due.DequeueEnqueue(entry with { Due = due + track.Interval }, due + track.Interval);
        }
    }

    /// <summary>Advances the connections, and spreads the reports of each second over its ticks.</summary>
    private void AdvanceConnections(TimeSpan now)
    {
        foreach (var device in _devices)
            device.Advance();
        for (; now >= _nextReport && _devices.Count > 0; _nextReport += ReportInterval / _devices.Count)
            _devices[_reported++ % _devices.Count].Report();
    }

    [LibraryImport("libc", EntryPoint = "usleep")]
    private static partial int Sleep(uint microseconds);
}
