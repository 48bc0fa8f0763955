using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Configuration.CommandLine;

namespace Sessions;

/// <summary>A setting.</summary>
/// <param name="Name">Its name in a configuration, for example <c>Sessions:SessionLifetime</c>.</param>
/// <param name="Description">What it is for, as <c>--help</c> says it.</param>
public sealed record Setting(string Name, string Description)
{
    /// <summary>
    /// How a name is typed where its value comes from: <c>--Sessions:X</c> on a command line, and otherwise <c>Sessions__X</c>, in an
    /// environment variable or among the settings of an app.
    /// </summary>
    public static string AsTyped(IConfiguration configuration, string name)
        => (configuration as IConfigurationRoot)?.Providers.LastOrDefault(provider => provider.TryGet(name, out _)) is CommandLineConfigurationProvider
            ? $"--{name}"
            : name.Replace(":", "__", StringComparison.Ordinal);

    /// <summary>A line for each setting below a section that is not among the known ones, with the nearest of them.</summary>
    public static IEnumerable<string> FindUnknown(IConfiguration configuration, string section, IReadOnlyCollection<Setting> known)
        => from entry in configuration.GetSection(section).AsEnumerable()
           where entry.Value is not null && !known.Any(setting => setting.Name.Equals(entry.Key, StringComparison.OrdinalIgnoreCase))
           orderby entry.Key
           let typed = AsTyped(configuration, entry.Key)
           let nearest = known.MinBy(setting => EndsAlike(setting.Name, entry.Key) ? 0 : Distance(setting.Name, entry.Key))!.Name
           select $"{typed}: there is no such setting. Did you mean {(typed.StartsWith('-') ? $"--{nearest}" : nearest.Replace(":", "__", StringComparison.Ordinal))}?";

    /// <summary>Whether a name ends as another does, as <c>Gateway:MediaPort</c> and <c>Gateway:Port</c> do.</summary>
    private static bool EndsAlike(string name, string other) => name.EndsWith(other[(other.LastIndexOf(':') + 1)..], StringComparison.OrdinalIgnoreCase);

    /// <summary>How many characters are inserted, deleted or replaced to make one text of another, without regard to case (Levenshtein).</summary>
    public static int Distance(string one, string other)
    {
        var row = Enumerable.Range(0, other.Length + 1).ToArray();
        foreach (var (index, character) in one.ToUpperInvariant().Index())
        {
            var diagonal = row[0];
            row[0] = index + 1;
            for (var column = 1; column <= other.Length; column++)
            {
                var replaced = diagonal + (char.ToUpperInvariant(other[column - 1]) == character ? 0 : 1);
                diagonal = row[column];
                row[column] = Math.Min(replaced, Math.Min(diagonal, row[column - 1]) + 1);
            }
        }

        return row[^1];
    }
}
