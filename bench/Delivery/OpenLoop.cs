using System.Diagnostics;

namespace Sessions.Delivery;

/// <summary>Starts calls at a fixed rate, whether or not earlier ones have completed, up to a limit of concurrent calls.</summary>
internal static class OpenLoop
{
    private const int AtOnce = 1000;

    private static readonly TimeSpan FinishTimeout = TimeSpan.FromMinutes(2);

    /// <summary>Runs for the given time, and then waits for the calls that have started. Throws the first exception of a call.</summary>
    /// <returns>The calls per second that were started.</returns>
    public static async Task<double> RunAsync(int rate, TimeSpan duration, Func<Task> call)
    {
        using var free = new SemaphoreSlim(AtOnce);
        List<Task> calls = [];
        var started = Stopwatch.GetTimestamp();
        while (Stopwatch.GetElapsedTime(started) is var elapsed && elapsed < duration)
        {
            for (var due = (int)(elapsed.TotalSeconds * rate) - calls.Count; due > 0 && free.Wait(0); due--)
                calls.Add(Task.Run(RunOneAsync));
            await Task.Delay(1);
        }

        await Task.WhenAll(calls).WaitAsync(FinishTimeout);
        return calls.Count / duration.TotalSeconds;

        async Task RunOneAsync()
        {
            try
            {
                await call();
            }
            finally
            {
                free.Release();
            }
        }
    }
}
