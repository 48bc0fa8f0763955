using System.Globalization;
using System.Text.RegularExpressions;
using System.Xml;

namespace Sessions;

/// <summary>
/// Reads a duration from a setting or a command line option: numbers with units (<c>9h</c>, <c>1d12h</c>), <c>d.hh:mm:ss</c>, or ISO 8601
/// (<c>PT9H</c>). Ambiguous text is refused: a number without a unit, months and years, and <c>24:00:00</c>, which
/// <see cref="TimeSpan.Parse(string)"/> reads as 24 days.
/// </summary>
public static partial class Durations
{
    /// <summary>Describes the accepted forms with an example, which is rounded up to whole seconds, for error messages.</summary>
    public static string Describe(TimeSpan example)
    {
        var whole = TimeSpan.FromSeconds(Math.Ceiling(example.TotalSeconds));
        return $"for example {InUnits(whole)}, {XmlConvert.ToString(whole)}, or {whole:c} (d.hh:mm:ss, at most 23 hours)";
    }

    /// <summary>Reads a duration that is not negative. Returns false if the text is not a duration.</summary>
    public static bool TryParse(string text, out TimeSpan time)
    {
        try
        {
            time = Iso().IsMatch(text) ? XmlConvert.ToTimeSpan(text)
                : Units().Match(text) is { Success: true } units ? From(units)
                : Clock().Match(text) is { Success: true } clock ? From(clock)
                : TimeSpan.MinValue;
        }
        catch (Exception exception) when (exception is FormatException or OverflowException or ArgumentOutOfRangeException)
        {
            time = TimeSpan.MinValue;
        }

        return time >= TimeSpan.Zero;
    }

    private static string InUnits(TimeSpan time)
        => string.Concat(new[] { (time.Days, 'd'), (time.Hours, 'h'), (time.Minutes, 'm'), (time.Seconds, 's') }
            .Where(part => part.Item1 > 0)
            .Select(part => $"{part.Item1}{part.Item2}"));

    /// <summary>Adds the groups <c>d</c>, <c>h</c>, <c>m</c>, <c>s</c> and <c>f</c>, which is the fraction of a second.</summary>
    private static TimeSpan From(Match match)
    {
        var seconds = checked((((((Number("d") * 24) + Number("h")) * 60) + Number("m")) * 60) + Number("s"));
        return TimeSpan.FromSeconds(seconds) + TimeSpan.FromTicks(long.Parse(match.Groups["f"].Value.PadRight(7, '0'), CultureInfo.InvariantCulture));

        long Number(string group) => match.Groups[group] is { Success: true } digits ? long.Parse(digits.Value, CultureInfo.InvariantCulture) : 0;
    }

    [GeneratedRegex("^(?=[0-9])((?<d>[0-9]+)d)?((?<h>[0-9]+)h)?((?<m>[0-9]+)m)?((?<s>[0-9]+)s)?$", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Units();

    [GeneratedRegex(@"^((?<d>[0-9]+)\.)?(?<h>[01]?[0-9]|2[0-3]):(?<m>[0-5][0-9]):(?<s>[0-5][0-9])(\.(?<f>[0-9]{1,7}))?$", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Clock();

    // Years and months are excluded, because they have no fixed length.
    [GeneratedRegex("^P[^YM]*(T.*)?$", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Iso();
}
