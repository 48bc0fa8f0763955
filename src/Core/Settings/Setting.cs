using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Configuration.CommandLine;

namespace Sessions;

/// <summary>A setting.</summary>
/// <param name="Name">The name in a configuration, for example <c>Sessions:SessionLifetime</c>.</param>
/// <param name="Description">The description that <c>--help</c> prints.</param>
public sealed record Setting(string Name, string Description)
{
    /// <summary>
    /// The name of a setting in the form in which the operator sets it: <c>--Sessions:X</c> if its value comes from the command line, and
    /// otherwise <c>Sessions__X</c>, as in an environment variable or an app setting.
    /// </summary>
    public static string AsTyped(IConfiguration configuration, string name)
        => (configuration as IConfigurationRoot)?.Providers.LastOrDefault(provider => provider.TryGet(name, out _)) is CommandLineConfigurationProvider
            ? $"--{name}"
            : name.Replace(":", "__", StringComparison.Ordinal);

    /// <summary>
    /// Finds the settings in a section that are not known. Returns a line for each of them with the most similar known setting, for example
    /// <c>Sessions:SessionLifetime</c> for <c>Sessions:SessionLifetim</c>.
    /// </summary>
    public static IEnumerable<string> FindUnknown(IConfiguration configuration, string section, IReadOnlyCollection<Setting> known)
        => from entry in configuration.GetSection(section).AsEnumerable()
           where entry.Value is not null && !known.Any(setting => setting.Name.Equals(entry.Key, StringComparison.OrdinalIgnoreCase))
           orderby entry.Key
           let typed = AsTyped(configuration, entry.Key)
           let nearest = known.MinBy(setting => EndsAlike(setting.Name, entry.Key) ? 0 : Distance(setting.Name, entry.Key))!.Name
           select $"{typed}: there is no such setting. Did you mean {(typed.StartsWith('-') ? $"--{nearest}" : nearest.Replace(":", "__", StringComparison.Ordinal))}?";

    /// <summary>
    /// Whether a name ends with the last part of another, as <c>Gateway:MediaPort</c> does with that of <c>Gateway:Port</c>.
    /// </summary>
    private static bool EndsAlike(string name, string other) => name.EndsWith(other[(other.LastIndexOf(':') + 1)..], StringComparison.OrdinalIgnoreCase);

    /// <summary>
    /// The Levenshtein distance of two texts, ignoring case: how many characters must be inserted, deleted or replaced to change one text
    /// into the other.
    /// </summary>
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
