using Sessions.Bench;

namespace Sessions.MediaBench;

/// <summary>Measures each server in each scene, in turn, and writes a table.</summary>
internal static class Comparison
{
    /// <summary>Runs the comparison.</summary>
    /// <param name="servers">The servers' names.</param>
    /// <param name="scenes">The scenes in which each server is measured.</param>
    /// <param name="rounds">The number of rounds.</param>
    /// <param name="duration">The duration of each measurement.</param>
    public static async Task<string> RunAsync(string[] servers, Scene[] scenes, int rounds, TimeSpan duration)
    {
        var table = new MarkdownTable(
            "sessions × participants, server", "packets/s", "arrived, %", "CPU for a packet, µs", "the gateway's / its", "CPU, % of a core",
            "p50, ms", "p99, ms", "p99 − the reflector's", "memory, MB", "for a device, KB");
        foreach (var scene in scenes)
        {
            var results = servers.ToDictionary(server => server, _ => new List<Result>());
            for (var round = 1; round <= rounds; round++)
            {
                foreach (var server in servers)
                {
                    await using var subject = await StartAsync(server);
                    using var call = new Call(subject, scene);
                    var result = await call.MeasureAsync(duration);
                    results[server].Add(result);
                    Console.WriteLine($"{scene}, {server}, round {round} of {rounds}: {result}");
                }
            }

            foreach (var (server, measured) in results)
                AddRow(table, $"{scene}, {server}", measured, results);
        }

        return table.ToString();
    }

    private static async Task<Subject> StartAsync(string server)
        => server == JanusSubject.Janus ? await JanusSubject.StartAsync() : OwnSubject.Start(server);

    private static void AddRow(MarkdownTable table, string name, List<Result> measured, Dictionary<string, List<Result>> results)
    {
        table.Add(
            name,
            Median(result => result.PacketsPerSecond),
            Median(result => 100 * result.Arrived),
            Spread(result => result.CpuOfPacket),
            Beside(OwnSubject.Gateway, (own, gateway) => gateway.CpuOfPacket / own.CpuOfPacket),
            Spread(result => 100 * result.Cpu),
            Spread(result => result.P50),
            Spread(result => result.P99),
            Beside(OwnSubject.Reflector, (own, floor) => own.P99 - floor.P99),
            Median(result => result.Memory),
            Spread(result => result.MemoryOfDevice));

        string Median(Func<Result, double> value) => Numbers.Text(Numbers.Median(measured.Select(value)));

        string Spread(Func<Result, double> value) => Numbers.Spread([.. measured.Select(value)]);

        string Beside(string server, Func<Result, Result, double> value)
            => results.TryGetValue(server, out var others) && others != measured ? Numbers.Spread([.. measured.Zip(others, value)]) : "";
    }
}
