using Sessions.Media.Sdp;
using Sessions.Tests.Infrastructure;

namespace Sessions.Tests.Media;

/// <summary>
/// Descriptions from Chromium 156 and Firefox 153. The publishing device first created two negotiated data channels. It then published a
/// stream and another one, unpublished the first, and published a third with only audio. Addresses and host names are replaced.
/// </summary>
internal static class Recorded
{
    private static readonly string Folder = Path.Combine(Bicep.RepositoryFolder, "tests", "Media", "Sdp", "recorded");

    /// <summary>The names of all recordings.</summary>
    public static TheoryData<string> Names => [.. Directory.GetFiles(Folder, "*.sdp").Select(file => Path.GetFileNameWithoutExtension(file)).Order()];

    /// <summary>The text of a recording.</summary>
    public static string Text(string name) => File.ReadAllText(Path.Combine(Folder, $"{name}.sdp"));

    /// <summary>Parses a recording after a change to its text.</summary>
    public static SessionDescription Read(string name, params (string From, string To)[] changes)
    {
        var text = changes.Aggregate(Text(name), (text, change) =>
        {
            Assert.Contains(change.From, text, StringComparison.Ordinal);
            return text.Replace(change.From, change.To, StringComparison.Ordinal);
        });
        return Parse(text);
    }

    /// <summary>Parses a text that must be valid.</summary>
    public static SessionDescription Parse(string text)
    {
        Assert.True(SessionDescription.TryParse(text, out var description, out var error), error);
        return description;
    }
}
