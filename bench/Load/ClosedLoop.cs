using System.Diagnostics;

namespace Sessions.Bench;

/// <summary>A load of loops, each of which starts its next call when the previous one has completed.</summary>
public static class ClosedLoop
{
    private static readonly TimeSpan FinishTimeout = TimeSpan.FromMinutes(1);

    /// <summary>
    /// Runs the loops for a time. A call that has started by the end is awaited but not counted. The first exception ends the run, and so
    /// does a call that takes a minute.
    /// </summary>
    /// <param name="loops">The number of loops.</param>
    /// <param name="duration">How long calls are counted.</param>
    /// <param name="cpuTime">Returns the CPU time so far of the measured process.</param>
    /// <param name="unit">The work that a loop repeats. It gets the loop's number, from 0, and records its calls.</param>
    public static async Task<LoadResult> RunAsync(
        int loops, TimeSpan duration, Func<TimeSpan> cpuTime, Func<int, CallRecorder, Task> unit)
    {
        var cpuAtStart = cpuTime();
        var started = Stopwatch.GetTimestamp();
        var end = started + (long)(duration.TotalSeconds * Stopwatch.Frequency);
        var recorders = Enumerable.Range(0, loops).Select(_ => new CallRecorder(end)).ToArray();
        var failed = false;
        var running = recorders.Select((recorder, loop) => Task.Run(() => RunLoopAsync(loop, recorder))).ToArray();

        await Task.WhenAny(Task.WhenAll(running), Task.Delay(duration));
        var (cpu, elapsed) = (cpuTime() - cpuAtStart, Stopwatch.GetElapsedTime(started));
        await Task.WhenAll(running).WaitAsync(FinishTimeout);
        return new(elapsed, cpu, new([.. recorders.SelectMany(recorder => recorder.Ticks)]));

        async Task RunLoopAsync(int loop, CallRecorder recorder)
        {
            try
            {
                while (!Volatile.Read(ref failed) && Stopwatch.GetTimestamp() < end)
                    await unit(loop, recorder);
            }
            catch
            {
                Volatile.Write(ref failed, true);
                throw;
            }
        }
    }
}

/// <summary>The latencies of one loop's calls.</summary>
public sealed class CallRecorder(long end)
{
    private readonly List<long> _ticks = new(capacity: 16_384);

    /// <summary>The latencies, in ticks of <see cref="Stopwatch"/>.</summary>
    public IReadOnlyList<long> Ticks => _ticks;

    /// <summary>Starts a call and awaits it, and records it if it completes before the end.</summary>
    public async Task<T> RecordAsync<T>(Func<Task<T>> call)
    {
        var started = Stopwatch.GetTimestamp();
        var result = await call();
        Record(started);
        return result;
    }

    /// <summary>Records a call that has just completed, if that was before the end.</summary>
    /// <param name="started">When it began, as <see cref="Stopwatch.GetTimestamp"/>.</param>
    public void Record(long started)
    {
        var now = Stopwatch.GetTimestamp();
        if (now <= end)
            _ticks.Add(now - started);
    }
}

/// <summary>The result of a load.</summary>
/// <param name="Elapsed">How long calls were counted.</param>
/// <param name="CpuTime">The CPU time of the measured process in that time.</param>
/// <param name="Latencies">The calls that ended in that time.</param>
public sealed record LoadResult(TimeSpan Elapsed, TimeSpan CpuTime, Latencies Latencies)
{
    /// <summary>Calls in a second.</summary>
    public double Throughput => Latencies.Count / Elapsed.TotalSeconds;

    /// <summary>Microseconds of CPU for a call.</summary>
    public double CpuMicroseconds => CpuTime.TotalMicroseconds / Latencies.Count;

    /// <summary>The reported figures, which are all 0 if no call completed in time.</summary>
    public LoadSummary Summarize()
        => Latencies.Count > 0
            ? new(Latencies.Count, Throughput, Latencies.Percentile(0.5), Latencies.Percentile(0.99), CpuMicroseconds)
            : new(0, 0, 0, 0, 0);
}

/// <summary>The figures of a load.</summary>
/// <param name="Calls">How many calls were counted.</param>
/// <param name="Throughput">Calls in a second.</param>
/// <param name="P50">The median latency, in milliseconds.</param>
/// <param name="P99">The 99th percentile of the latencies, in milliseconds.</param>
/// <param name="CpuMicroseconds">Microseconds of the measured process's CPU time for a call.</param>
public sealed record LoadSummary(int Calls, double Throughput, double P50, double P99, double CpuMicroseconds);

/// <summary>The latencies of all calls.</summary>
public sealed class Latencies
{
    private readonly long[] _ticks;

    /// <summary>Creates the set from latencies in ticks of <see cref="Stopwatch"/>, in any order.</summary>
    public Latencies(long[] ticks)
    {
        Array.Sort(ticks);
        _ticks = ticks;
    }

    /// <summary>The number of calls.</summary>
    public int Count => _ticks.Length;

    /// <summary>
    /// The latency, in milliseconds, that the given fraction of the calls did not exceed, by nearest rank. For example, 0.99 returns the
    /// 99th percentile.
    /// </summary>
    public double Percentile(double share)
        => Stopwatch.GetElapsedTime(0, _ticks[Math.Max(0, (int)Math.Ceiling(share * Count) - 1)]).TotalMilliseconds;
}
