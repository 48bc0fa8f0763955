using System.Globalization;

namespace Sessions.Tests.Generated;

/// <summary>
/// A request. In its path and body, <c>{s0}</c> to <c>{s9}</c> and <c>{p0}</c> to <c>{p9}</c> stand for ids of sessions and participants
/// that were created. A body is text in which each character is a byte.
/// </summary>
internal sealed record GeneratedRequest(
    string Method, string Path, string Query, IReadOnlyList<(string Name, string Value)> Headers, string Body)
{
    // No server accepts a NUL in a path, and a path that begins with two slashes reaches no function.
    public string PathIn(SimulatedServer server) => $"/{Fill(Path, server).Replace("%00", "", StringComparison.Ordinal).TrimStart('/')}";

    public string BodyIn(SimulatedServer server) => Fill(Body, server);

    public override string ToString()
        => $"{Method} {Path}{Query}\n{string.Join('\n', Headers.Select(header => $"{header.Name}: {header.Value}"))}\n\n{Body}";

    private static string Fill(string text, SimulatedServer server)
    {
        if (!text.Contains('{', StringComparison.Ordinal))
            return text;

        for (var number = 0; number < 10; number++)
        {
            text = text
                .Replace(string.Create(CultureInfo.InvariantCulture, $"{{s{number}}}"), server.Sessions.ElementAtOrDefault(number) ?? Unknown, StringComparison.Ordinal)
                .Replace(string.Create(CultureInfo.InvariantCulture, $"{{p{number}}}"), server.Participants.ElementAtOrDefault(number) ?? Unknown, StringComparison.Ordinal);
        }

        return text;
    }

    private const string Unknown = "00000000-0000-4000-8000-000000000000";
}
