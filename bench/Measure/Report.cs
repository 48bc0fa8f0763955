using System.Globalization;
using System.Text;

namespace Sessions.Bench;

/// <summary>A table in Markdown. Its first column is text, and the other columns are numbers.</summary>
public sealed class MarkdownTable(params IReadOnlyList<string> headings)
{
    private readonly List<IReadOnlyList<string>> _rows = [];

    /// <summary>Adds a row.</summary>
    public void Add(params IReadOnlyList<string> cells) => _rows.Add(cells);

    /// <summary>The table.</summary>
    public override string ToString()
    {
        var text = new StringBuilder();
        AppendRow(headings);
        AppendRow([.. headings.Select((_, column) => column == 0 ? "---" : "---:")]);
        foreach (var row in _rows)
            AppendRow(row);
        return text.ToString();

        void AppendRow(IReadOnlyList<string> cells)
            => text.Append("| ").AppendJoin(" | ", cells).Append(" |\n");
    }
}

/// <summary>Formats numbers for the reports.</summary>
public static class Numbers
{
    /// <summary>The middle value, or the mean of the two in the middle.</summary>
    public static double Median(IEnumerable<double> values)
    {
        double[] sorted = [.. values.Order()];
        var middle = sorted.Length / 2;
        return sorted.Length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
    }

    /// <summary>Three significant digits or all the integer ones, such as 0.123, 1.23, 12.3, 123 and 1,234.</summary>
    public static string Text(double value)
        => value.ToString(
            Math.Abs(value) switch { >= 99.95 => "N0", >= 9.995 => "N1", >= 0.9995 => "N2", _ => "N3" }, CultureInfo.InvariantCulture);

    /// <summary>The median with the smallest and the largest value: <c>1.23 [1.10 … 1.40]</c>.</summary>
    public static string Spread(IReadOnlyCollection<double> values)
        => $"{Text(Median(values))} [{Text(values.Min())} … {Text(values.Max())}]";
}
