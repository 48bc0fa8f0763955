using System.Globalization;
using System.Text;
using Sessions.Bench;

namespace Sessions.Compare;

/// <summary>Writes the results as a Markdown file, as numbers for each round, and as plots.</summary>
internal sealed class Report(IReadOnlyList<Measurement> results, string? caution)
{
    private const int ComparedConnections = 16;
    private const double LeastShareOfLimit = 0.85;
    private const double MostMillisecondsOverLimit = 0.5;

    private static readonly string[] Reads = [Operations.GetSession, Operations.GetParticipantSubscriptions];

    /// <summary>The reported metrics of a measurement.</summary>
    public static IReadOnlyList<Metric> Metrics { get; } =
    [
        new("throughput", "Throughput, requests/s", result => result.Load.Throughput, MoreIsBetter: true),
        new("p50", "p50, ms", result => result.Load.P50, MoreIsBetter: false),
        new("p99", "p99, ms", result => result.Load.P99, MoreIsBetter: false),
        new("cpu", "CPU, µs/request", result => result.Load.CpuMicroseconds, MoreIsBetter: false),
        new("memory", "Peak memory, MiB", result => result.PeakMebibytes, MoreIsBetter: false),
    ];

    private static Metric Throughput => Metrics[0];

    private static Metric P50 => Metrics[1];

    private readonly (string Operation, int Connections)[] _rows =
        [.. results.Select(result => (result.Operation, result.Connections)).Distinct()];

    /// <summary>Writes <c>results.md</c>, <c>results.csv</c> and the plots.</summary>
    public async Task WriteAsync(string folder)
    {
        Directory.CreateDirectory(folder);
        var text = await DescribeAsync();
        await File.WriteAllTextAsync(Path.Combine(folder, "results.md"), text);
        await File.WriteAllLinesAsync(Path.Combine(folder, "results.csv"), RawNumbers());
        var connections = results.Select(result => result.Connections).Distinct().MinBy(count => Math.Abs(count - ComparedConnections));
        foreach (var metric in Metrics)
            Plots.Write(Path.Combine(folder, metric.Name), metric, connections, [.. results.Where(result => result.Connections == connections)]);
        Console.WriteLine(text);
        Console.WriteLine($"Written to {folder}.");
    }

    private async Task<string> DescribeAsync()
    {
        var rounds = results.Max(result => result.Round) + 1;
        var text = new StringBuilder("# Side by side\n\n");
        if (caution is not null)
            text.Append(CultureInfo.InvariantCulture, $"**{caution}**\n\n");

        text.Append(await Machine.DescribeAsync())
            .Append(CultureInfo.InvariantCulture, $"- Rounds: {rounds}\n\n")
            .Append("## Medians of the rounds\n\n").Append(MedianTable()).Append('\n')
            .Append("## Ratios within a round: median [least … most]\n\n").Append(RatioTable()).Append('\n')
            .Append("## Targets\n\n").AppendJoin("", Targets());
        return text.ToString();
    }

    private MarkdownTable MedianTable()
    {
        var table = new MarkdownTable(["Operation, connections, subject", .. Metrics.Select(metric => metric.Title)]);
        foreach (var (operation, connections) in _rows)
        {
            foreach (var subject in results.Select(result => result.Subject).Distinct().Where(subject => Of(operation, connections, subject).Any()))
            {
                var rounds = Of(operation, connections, subject).ToArray();
                table.Add([
                    $"`{operation}`, {connections}, {subject}",
                    .. Metrics.Select(metric => Numbers.Text(Numbers.Median(rounds.Select(metric.Value)))),
                ]);
            }
        }

        return table;
    }

    private MarkdownTable RatioTable()
    {
        var table = new MarkdownTable(
            [
                "Operation, connections", "Throughput, Sessions / limit", "p50, Sessions − limit, ms",
                .. Metrics.Where(metric => metric != P50).Select(metric => $"{metric.ShortTitle}, Sessions / Express"),
            ]);
        foreach (var (operation, connections) in _rows)
        {
            table.Add([
                $"`{operation}`, {connections}",
                Spread(Ratios(Throughput, operation, connections, SubjectNames.Limit)),
                Spread(Pairs(P50, operation, connections, SubjectNames.Limit).Select(pair => pair.Sessions - pair.Other)),
                .. Metrics.Where(metric => metric != P50).Select(metric => Spread(Ratios(metric, operation, connections, SubjectNames.Express))),
            ]);
        }

        return table;

        static string Spread(IEnumerable<double> values) => values.ToArray() is { Length: > 0 } all ? Numbers.Spread(all) : "";
    }

    private IEnumerable<string> Targets()
    {
        foreach (var operation in Reads)
        {
            if (Ratios(Throughput, operation, ComparedConnections, SubjectNames.Limit).ToArray() is { Length: > 0 } shares)
            {
                yield return Target(
                    $"{Row(operation, ComparedConnections)}: at least {Numbers.Text(LeastShareOfLimit)} of the limit's throughput",
                    Numbers.Median(shares),
                    share => share >= LeastShareOfLimit);
            }

            if (Pairs(P50, operation, 1, SubjectNames.Limit).Select(pair => pair.Sessions - pair.Other).ToArray() is { Length: > 0 } differences)
            {
                yield return Target(
                    $"{Row(operation, 1)}: p50 at most {Numbers.Text(MostMillisecondsOverLimit)} ms over the limit's",
                    Numbers.Median(differences),
                    difference => difference <= MostMillisecondsOverLimit);
            }
        }

        foreach (var (operation, connections) in _rows)
        {
            var ahead = (from metric in Metrics
                         where metric != P50
                         let ratios = Ratios(metric, operation, connections, SubjectNames.Express).ToArray()
                         where ratios.Length > 0
                         let ratio = Numbers.Median(ratios)
                         select (Met: metric.MoreIsBetter ? ratio > 1 : ratio < 1, Text: $"{metric.ShortTitle} ({Numbers.Text(ratio)})"))
                .ToLookup(target => target.Met, target => target.Text);
            foreach (var met in ahead)
                yield return $"- {Verdict(met.Key)}: {Row(operation, connections)}: ahead of Express in {string.Join(", ", met)}\n";
        }
    }

    private static string Verdict(bool isMet) => isMet ? "met" : "**not met**";

    private static string Row(string operation, int connections) => $"`{operation}`, {connections} connection{(connections == 1 ? "" : "s")}";

    private static string Target(string text, double value, Func<double, bool> isMet)
        => $"- {Verdict(isMet(value))}: {text} ({Numbers.Text(value)})\n";

    private IEnumerable<double> Ratios(Metric metric, string operation, int connections, string other)
        => Pairs(metric, operation, connections, other).Select(pair => pair.Sessions / pair.Other);

    /// <summary>The values of Sessions and another subject in the same round.</summary>
    private IEnumerable<(double Sessions, double Other)> Pairs(Metric metric, string operation, int connections, string other)
        => Of(operation, connections, SubjectNames.Sessions).Join(
            Of(operation, connections, other),
            result => result.Round,
            result => result.Round,
            (ours, theirs) => (metric.Value(ours), metric.Value(theirs)));

    private IEnumerable<Measurement> Of(string operation, int connections, string subject)
        => results.Where(result => result.Operation == operation && result.Connections == connections && result.Subject == subject);

    private IEnumerable<string> RawNumbers()
        =>
        [
            "round,operation,connections,subject,requests,requests_per_second,p50_ms,p99_ms,cpu_us_per_request,peak_mib",
            .. results.Select(result => string.Create(
                CultureInfo.InvariantCulture,
                $"{result.Round + 1},{result.Operation},{result.Connections},{result.Subject},{result.Load.Calls},{result.Load.Throughput:F1},{result.Load.P50:F3},{result.Load.P99:F3},{result.Load.CpuMicroseconds:F1},{result.PeakMebibytes:F1}")),
        ];
}

/// <summary>The reported metrics of a measurement.</summary>
/// <param name="Name">The name of its files.</param>
/// <param name="Title">The name and the unit, separated by a comma.</param>
/// <param name="Value">Returns the value of a measurement.</param>
/// <param name="MoreIsBetter">Whether a larger value is better.</param>
internal sealed record Metric(string Name, string Title, Func<Measurement, double> Value, bool MoreIsBetter)
{
    /// <summary>The title without its unit.</summary>
    public string ShortTitle => Title.Split(',')[0];
}
