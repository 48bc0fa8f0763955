using System.Globalization;

namespace Sessions.Bench;

/// <summary>Describes the machine and the time of a measurement.</summary>
public static class Machine
{
    /// <summary>Returns a Markdown list of the machine, its software and the time.</summary>
    public static async Task<string> DescribeAsync()
    {
        var node = await Repository.RunAsync("node", ["--version"], Repository.Folder);
        var commit = await Repository.RunAsync("git", ["describe", "--always", "--dirty"], Repository.Folder);
        return string.Create(
            CultureInfo.InvariantCulture,
            $"""
            - Processor: {Value("/proc/cpuinfo", "model name")}, {Environment.ProcessorCount} cores
            - Memory: {GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / (double)(1 << 30):N1} GiB
            - Operating system: {Value("/etc/os-release", "PRETTY_NAME")}, Linux {Environment.OSVersion.Version}
            - .NET: {Environment.Version}; Node.js: {node.Trim().TrimStart('v')}
            - Date: {DateTime.UtcNow:yyyy-MM-dd HH:mm} UTC; commit: {commit.Trim()}

            """);
    }

    /// <summary>Returns the value of a file's first line that begins with the name.</summary>
    private static string Value(string file, string name)
        => File.Exists(file) && File.ReadLines(file).FirstOrDefault(line => line.StartsWith(name, StringComparison.Ordinal)) is { } line
            ? line[(line.IndexOfAny([':', '=']) + 1)..].Trim(' ', '\t', '"')
            : "unknown";
}
