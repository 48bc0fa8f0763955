using System.Globalization;
using Microsoft.Extensions.Configuration;

namespace Sessions;

/// <summary>
/// Reads the settings of a section, and collects a line for each invalid setting. The line has the setting's name but not its value.
/// </summary>
public sealed class SettingsReader(IConfiguration configuration, string section)
{
    private readonly List<string> _mistakes = [];
    private readonly List<(string Name, TimeSpan Time)> _times = [];

    /// <summary>The durations that are set explicitly, with the names of their settings as the operator types them.</summary>
    public IReadOnlyList<(string Name, TimeSpan Time)> Times => _times;

    /// <summary>The value of a setting, or null if it is not set or empty.</summary>
    public string? Text(string name) => configuration[$"{section}:{name}"] is { Length: > 0 } text ? text : null;

    /// <summary>The name of a setting in the form in which the operator sets it.</summary>
    public string NameOf(string name) => Setting.AsTyped(configuration, $"{section}:{name}");

    /// <summary>Adds an error of one setting.</summary>
    public void Refuse(string name, string reason) => _mistakes.Add($"{NameOf(name)}: {reason}");

    /// <summary>Adds an error that concerns several settings.</summary>
    public void Refuse(string line) => _mistakes.Add(line);

    /// <summary>
    /// Reads a duration from <paramref name="least"/> to <paramref name="most"/>. The error message describes these limits with
    /// <paramref name="range"/>.
    /// </summary>
    public TimeSpan Time(string name, TimeSpan byDefault, TimeSpan least, TimeSpan most, string range)
    {
        if (Text(name) is not { } text)
            return byDefault;
        if (Durations.TryParse(text, out var time) && time >= least && time <= most)
        {
            _times.Add((NameOf(name), time));
            return time;
        }

        Refuse(name, $"expected a time of {range}, {Durations.Describe(byDefault)}.");
        return byDefault;
    }

    /// <summary>Reads a whole number from <paramref name="least"/> to <paramref name="most"/>.</summary>
    public int Number(string name, int byDefault, int least, int most)
    {
        if (Text(name) is not { } text)
            return byDefault;
        if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= least && number <= most)
            return number;

        Refuse(name, $"expected a number from {least} to {most}.");
        return byDefault;
    }

    /// <summary>Returns <paramref name="options"/> if every setting was valid.</summary>
    /// <exception cref="InvalidConfigurationException">A setting is invalid.</exception>
    public T Checked<T>(T options) => _mistakes.Count == 0 ? options : throw new InvalidConfigurationException(_mistakes);
}
