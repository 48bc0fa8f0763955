using System.Globalization;
using ScottPlot;
using ScottPlot.TickGenerators;
using Sessions.Bench;

namespace Sessions.Compare;

/// <summary>One plot for each metric: a group of bars for each operation, a bar for each subject.</summary>
internal static class Plots
{
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

    /// <summary>Writes a plot as PNG and SVG: the medians of the rounds, with a line from the least to the most.</summary>
    public static void Write(string file, Metric metric, int connections, IReadOnlyList<Measurement> results)
    {
        string[] operations = [.. results.Select(result => result.Operation).Distinct()];

        // The floor does one thing only, and far more of it than anyone else could.
        string[] subjects = [.. results.Select(result => result.Subject).Distinct().Where(subject => subject != SubjectNames.Floor)];

        using var plot = new Plot();
        plot.Font.Set("DejaVu Sans");
        plot.Title(string.Create(CultureInfo.InvariantCulture, $"{metric.Title}, at {connections} connections ({(metric.MoreIsBetter ? "more" : "less")} is better)"), size: 16);
        for (var index = 0; index < subjects.Length; index++)
        {
            var subject = subjects[index];
            var offset = (index - ((subjects.Length - 1) / 2.0)) * (BarWidth * 1.1);
            List<Bar> bars = [];
            for (var operation = 0; operation < operations.Length; operation++)
            {
                double[] values =
                [
                    .. results.Where(result => result.Subject == subject && result.Operation == operations[operation]).Select(metric.Value),
                ];
                var bar = new Bar
                {
                    Position = operation + offset,
                    Value = Numbers.Median(values),
                    Size = BarWidth,
                    FillColor = Colors[subject],
                    LineWidth = 0,
                };
                bars.Add(bar);
                var spread = plot.Add.Line(bar.Position, values.Min(), bar.Position, values.Max());
                spread.Color = ScottPlot.Colors.Black.WithAlpha(0.6);
                var label = plot.Add.Text(Numbers.Text(bar.Value), bar.Position, values.Max());
                label.Alignment = Alignment.LowerCenter;
                label.OffsetY = -3;
                label.LabelFontSize = 12;
            }

            var group = plot.Add.Bars(bars);
            group.LegendText = subject;
            plot.MoveToBack(group);
        }

        plot.Axes.Bottom.TickGenerator = new NumericManual([.. operations.Select((operation, index) => new Tick(index, operation))]);
        plot.Axes.Bottom.MajorTickStyle.Length = 0;
        plot.Axes.Bottom.TickLabelStyle.FontSize = 13;
        plot.Axes.Left.TickGenerator = new NumericAutomatic { LabelFormatter = value => value.ToString("#,0.###", CultureInfo.InvariantCulture) };
        plot.Axes.Left.TickLabelStyle.FontSize = 12;
        plot.Axes.Margins(bottom: 0, top: 0.15, left: 0.03, right: 0.03);
        plot.HideGrid();
        plot.Grid.YAxisStyle.IsVisible = true;
        plot.Axes.Right.IsVisible = plot.Axes.Top.IsVisible = false;
        plot.ShowLegend(Edge.Right);
        plot.SavePng($"{file}.png", Width, Height);
        plot.SaveSvg($"{file}.svg", Width, Height);
    }
}
