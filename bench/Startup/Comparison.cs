using System.Globalization;
using System.Text;
using Sessions.Bench;
using Sessions.LocalHost;

namespace Sessions.Startup;

/// <summary>Starts the programs repeatedly and in turn, and compares each with the empty web application of the same turn.</summary>
internal static class Comparison
{
    public static async Task<string> RunAsync(int runs, CancellationToken cancellation)
    {
        if (runs < 1)
            throw new BenchmarkException("--runs: expected at least 1.");

        await using var azurite = await Azurite.StartAsync(LocalStorage.AzuriteFolder, dataFolder: null);
        using var load = new HttpLoad();
        List<Subject[]> turns = [];
        foreach (var readyToRun in new[] { true, false })
            turns.Add(await Subject.PublishAsync(readyToRun, azurite.ConnectionString(), load));

        var results = turns.SelectMany(turn => turn).ToDictionary(subject => subject, _ => new List<Measurement>());
        for (var run = 1; run <= runs; run++)
        {
            Console.WriteLine($"Run {run} of {runs}...");
            foreach (var subject in turns.SelectMany(turn => turn))
            {
                cancellation.ThrowIfCancellationRequested();
                results[subject].Add(await subject.StartAsync(load));
            }
        }

        return await ReportAsync(runs, turns, results);
    }

    private static async Task<string> ReportAsync(int runs, List<Subject[]> turns, Dictionary<Subject, List<Measurement>> results)
    {
        var table = new MarkdownTable(
            "program", "first response, ms", "÷ empty program", "CPU time until then, ms", "÷ empty program", "memory then, MiB", "÷ empty program");
        var loaded = new StringBuilder();
        foreach (var turn in turns)
        {
            var empty = results[turn[0]];
            foreach (var subject in turn)
            {
                var measured = results[subject];
                table.Add([subject.Name, .. Cells(result => result.FirstAnswer), .. Cells(result => result.Cpu), .. Cells(result => result.Memory)]);

                IEnumerable<string> Cells(Func<Measurement, double> value) =>
                [
                    Numbers.Spread([.. measured.Select(value)]),
                    Numbers.Spread([.. measured.Zip(empty, (result, beside) => value(result) / value(beside))]),
                ];
            }

            foreach (var subject in turn.Skip(1))
            {
                loaded.Append(CultureInfo.InvariantCulture, $"- {subject.Name}: ")
                    .AppendJoin(", ", results[subject][0].Assemblies.Except(empty[0].Assemblies).Order(StringComparer.Ordinal)).AppendLine();
            }
        }

        return $"""
            # Start-up

            From the start of the process to its first response, against storage that is already running: the median of {runs} runs in turn
            [least … most], and the ratio in the same turn to the empty web application that is built in the same way.

            {await Machine.DescribeAsync()}
            {table}
            Assemblies that are loaded at the first response, in addition to those of the empty web application:

            {loaded}
            """;
    }
}
