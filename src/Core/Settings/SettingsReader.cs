using System.Globalization;
using Microsoft.Extensions.Configuration;

namespace Sessions;

/// <summary>Reads the settings below a section, and collects a line for each mistake: with the setting's name and without its value.</summary>
public sealed class SettingsReader(IConfiguration configuration, string section)
{
    private readonly List<string> _mistakes = [];
    private readonly List<(string Name, TimeSpan Time)> _times = [];

    /// <summary>The times that are set, and not left to their defaults, with their names as they are typed.</summary>
    public IReadOnlyList<(string Name, TimeSpan Time)> Times => _times;

    /// <summary>The value of a setting; null when it is not set, or set to nothing.</summary>
    public string? Text(string name) => configuration[$"{section}:{name}"] is { Length: > 0 } text ? text : null;

    /// <summary>How a setting's name is typed where its value comes from.</summary>
    public string NameOf(string name) => Setting.AsTyped(configuration, $"{section}:{name}");

    /// <summary>Notes a mistake.</summary>
    public void Refuse(string name, string reason) => _mistakes.Add($"{NameOf(name)}: {reason}");

    /// <summary>Notes a mistake that is more than one setting's.</summary>
    public void Refuse(string line) => _mistakes.Add(line);

    /// <summary>A time from <paramref name="least"/> to <paramref name="most"/>, which <paramref name="range"/> puts into words.</summary>
    public TimeSpan Time(string name, TimeSpan byDefault, TimeSpan least, TimeSpan most, string range)
    {
        if (Text(name) is not { } text)
            return byDefault;
        if (Durations.TryParse(text, out var time) && time >= least && time <= most)
        {
            _times.Add((NameOf(name), time));
            return time;
        }

        Refuse(name, $"expected a time of {range}, {Durations.Forms}.");
        return byDefault;
    }

    /// <summary>A whole number.</summary>
    public int Number(string name, int byDefault, int least, int most)
    {
        if (Text(name) is not { } text)
            return byDefault;
        if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= least && number <= most)
            return number;

        Refuse(name, $"expected a number from {least} to {most}.");
        return byDefault;
    }

    /// <summary>Returns what was read.</summary>
    /// <exception cref="InvalidConfigurationException">There were mistakes.</exception>
    public T Checked<T>(T options) => _mistakes.Count == 0 ? options : throw new InvalidConfigurationException(_mistakes);
}
