using System.Globalization;
using ScottPlot;
using ScottPlot.TickGenerators;
using Sessions.Bench;

namespace Sessions.Compare;

/// <summary>Draws one plot for each metric, with a group of bars for each operation and a bar for each subject.</summary>
internal static class Plots
{
    private const string Font = "DejaVu Sans";
    private const int Width = 1100;
    private const int Height = 420;
    private const double BarWidth = 0.2;

    private static readonly Dictionary<string, Color> Colors = new(StringComparer.Ordinal)
    {
        [SubjectNames.Limit] = Color.FromHex("#9aa5b1"),
        [SubjectNames.Sessions] = Color.FromHex("#1f6feb"),
        [SubjectNames.Express] = Color.FromHex("#e8833a"),
        [SubjectNames.Floor] = Color.FromHex("#d5d9de"),
    };

    /// <summary>
    /// Writes a plot as PNG and SVG. The bars are the medians of the rounds, with a line from the smallest to the largest value.
    /// </summary>
    public static void Write(string file, Metric metric, int connections, IReadOnlyList<Measurement> results)
    {
        string[] operations = [.. results.Select(result => result.Operation).Distinct()];

        // The floor supports only one operation, with a throughput far above that of all others.
        string[] subjects = [.. results.Select(result => result.Subject).Distinct().Where(subject => subject != SubjectNames.Floor)];

        using var plot = new Plot();
        plot.Font.Set(Font);
        plot.Title(string.Create(CultureInfo.InvariantCulture, $"{metric.Title}, at {connections} connections: median, and from least to most ({(metric.MoreIsBetter ? "more" : "less")} is better)"), size: 16);
        foreach (var (index, subject) in subjects.Index())
        {
            var offset = (index - ((subjects.Length - 1) / 2.0)) * (BarWidth * 1.1);
            double[][] values =
            [
                .. from operation in operations
                   select results.Where(result => result.Subject == subject && result.Operation == operation).Select(metric.Value).ToArray(),
            ];
            var bars = plot.Add.Bars(values.Select((rounds, operation) => new Bar
            {
                Position = operation + offset,
                Value = Numbers.Median(rounds),
                Size = BarWidth,
                FillColor = Colors[subject],
                LineWidth = 0,
            }).ToArray());
            bars.LegendText = subject;
            foreach (var (bar, rounds) in bars.Bars.Zip(values))
            {
                plot.Add.Line(bar.Position, rounds.Min(), bar.Position, rounds.Max()).Color = ScottPlot.Colors.Black.WithAlpha(0.6);
                var label = plot.Add.Text(Numbers.Text(bar.Value), bar.Position, rounds.Max());
                label.Alignment = Alignment.LowerCenter;
                label.OffsetY = -3;
                label.LabelFontSize = 12;
            }
        }

        plot.Axes.Bottom.TickGenerator = new NumericManual([.. operations.Select((operation, index) => new Tick(index, operation))]);
        plot.Axes.Bottom.MajorTickStyle.Length = 0;
        plot.Axes.Left.MinorTickStyle.Length = 0;
        plot.Axes.Bottom.TickLabelStyle.FontSize = 13;
        plot.Axes.Left.TickGenerator = new NumericAutomatic { LabelFormatter = value => value.ToString("#,0.###", CultureInfo.InvariantCulture) };
        plot.Axes.Left.TickLabelStyle.FontSize = 12;
        plot.Axes.Margins(bottom: 0, top: 0.15, left: 0.03, right: 0.03);
        plot.Grid.XAxisStyle.IsVisible = false;
        plot.Axes.Right.IsVisible = plot.Axes.Top.IsVisible = false;
        plot.ShowLegend(Edge.Right);
        plot.SavePng($"{file}.png", Width, Height);

        // The reader may not have this font.
        var svg = plot.GetSvgXml(Width, Height).Replace($"\"{Font}\"", $"\"{Font}, Verdana, sans-serif\"", StringComparison.Ordinal);
        File.WriteAllText($"{file}.svg", svg);
    }
}
