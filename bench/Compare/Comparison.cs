using System.Globalization;
using Sessions.Bench;
using Sessions.LocalHost;

namespace Sessions.Compare;

/// <summary>A plan of measurements.</summary>
/// <param name="Rounds">The number of rounds, in each of which everything is measured once.</param>
/// <param name="Duration">The duration of each measurement.</param>
/// <param name="WarmUp">The duration of the warm-up of each operation of each subject.</param>
/// <param name="Connections">The numbers of connections.</param>
/// <param name="Operations">The operations.</param>
/// <param name="Subjects">The subjects' names.</param>
internal sealed record Plan(
    int Rounds,
    TimeSpan Duration,
    TimeSpan WarmUp,
    IReadOnlyList<int> Connections,
    IReadOnlyList<string> Operations,
    IReadOnlyList<string> Subjects);

/// <summary>One measurement of one subject. Its peak memory is its largest resident memory.</summary>
internal sealed record Measurement(int Round, string Operation, int Connections, string Subject, LoadSummary Load, double PeakMebibytes);

/// <summary>Starts all subjects with one Azurite, and measures them in turn.</summary>
internal static class Comparison
{
    private const int PreparedSessions = 64;
    private const int WarmUpConnections = 16;
    private const int MaxTries = 20;

    /// <summary>Runs a plan.</summary>
    /// <exception cref="BenchmarkException">A subject cannot be started, or returned an unexpected response.</exception>
    public static async Task<IReadOnlyList<Measurement>> RunAsync(Plan plan, CancellationToken cancellation)
    {
        await using var azurite = await Azurite.StartAsync(
            LocalStorage.AzuriteFolder, dataFolder: null, accounts: plan.Subjects.Select(AccountOf));
        List<Subject> subjects = [];
        try
        {
            foreach (var name in plan.Subjects)
                subjects.Add(await Subject.StartAsync(name, azurite.ConnectionString(AccountOf(name)), PreparedSessions));

            var cells = (from operation in plan.Operations
                         from connections in plan.Connections
                         select (operation, connections)).ToArray();
            await WarmUpAsync(plan, subjects, cancellation);
            List<Measurement> results = [];
            for (var round = 0; round < plan.Rounds; round++)
            {
                foreach (var (operation, connections) in cells)
                {
                    // The subjects take turns, and each round begins with another one, so that other load on the machine affects all of
                    // them.
                    var turn = subjects.Where(subject => subject.Does(operation)).ToArray();
                    for (var place = 0; place < turn.Length; place++)
                    {
                        var subject = turn[(place + round) % turn.Length];
                        cancellation.ThrowIfCancellationRequested();
                        results.Add(await MeasureAsync(round, operation, connections, subject, plan.Duration));
                    }
                }
            }

            return results;
        }
        finally
        {
            foreach (var subject in subjects)
                await subject.DisposeAsync();
        }
    }

    private static async Task WarmUpAsync(Plan plan, List<Subject> subjects, CancellationToken cancellation)
    {
        Console.WriteLine("Warming up...");
        var loads = from subject in subjects
                    from operation in plan.Operations
                    where subject.Does(operation)
                    select (subject, operation);
        foreach (var (subject, operation) in loads)
        {
            cancellation.ThrowIfCancellationRequested();
            await subject.LoadAsync(operation, WarmUpConnections, plan.WarmUp);
            await subject.RestoreAsync(operation);
        }
    }

    private static async Task<Measurement> MeasureAsync(int round, string operation, int connections, Subject subject, TimeSpan duration)
    {
        // Connections that were idle for long have closed, and Azurite may still be busy with earlier calls.
        await subject.LoadAsync(operation, connections, duration / 10);
        GC.Collect(); // Makes a collection during the measurement less likely.
        await subject.Program.ResetPeakMemoryAsync();
        var load = await subject.LoadAsync(operation, connections, duration);

        // On a busy machine, no call may complete within the short time of a quick run.
        for (var again = 1; load.Calls == 0; again++)
        {
            if (again == MaxTries)
                throw new BenchmarkException($"No {operation} of {subject.Name} ended within {duration.TotalSeconds} s, {MaxTries} times.");
            load = await subject.LoadAsync(operation, connections, duration);
        }

        var result = new Measurement(round, operation, connections, subject.Name, load, subject.Program.PeakMemory / (double)(1 << 20));
        await subject.RestoreAsync(operation);
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{round + 1}/{operation}/{connections} {subject.Name}: {load.Throughput:N0}/s, p50 {load.P50:N2} ms, p99 {load.P99:N2} ms, {load.CpuMicroseconds:N0} µs CPU, {result.PeakMebibytes:N0} MiB"));
        return result;
    }

    /// <summary>
    /// Each subject has its own storage account, so that their tables do not conflict. The SDK does not support an account that is named
    /// like a table.
    /// </summary>
    private static string AccountOf(string subject) => $"of{subject.ToLowerInvariant()}";
}
