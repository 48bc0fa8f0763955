using System.Diagnostics;
using System.Reflection;

namespace Sessions.Tests.Infrastructure;

/// <summary>What a run of the Bicep compiler said.</summary>
internal sealed record BicepRun(int ExitCode, string Output, string Errors);

/// <summary>The Bicep compiler.</summary>
internal static class Bicep
{
    private static readonly Dictionary<string, string?> BuildValues = typeof(Bicep).Assembly
        .GetCustomAttributes<AssemblyMetadataAttribute>().ToDictionary(metadata => metadata.Key, metadata => metadata.Value, StringComparer.Ordinal);

    /// <summary>The folder of the whole project.</summary>
    public static string RepositoryFolder { get; } = BuildValues["RepositoryFolder"]!;

    /// <summary>The folder of the Bicep files.</summary>
    public static string Folder { get; } = Path.Combine(RepositoryFolder, "infra");

    /// <summary>Every Bicep file.</summary>
    public static IEnumerable<string> Files => Directory.EnumerateFiles(Folder, "*.bicep", SearchOption.AllDirectories);

    /// <summary>Runs the compiler, or skips the test where there is none.</summary>
    /// <param name="arguments">The command, its file and its options.</param>
    /// <param name="environment">Variables for the parameters to read.</param>
    public static async Task<BicepRun> RunAsync(string[] arguments, params (string Name, string Value)[] environment)
    {
        Assert.SkipUnless(BuildValues.TryGetValue("BicepCompiler", out var compiler), "The Bicep compiler is referenced on linux-x64 only.");

        var start = new ProcessStartInfo(compiler!, arguments)
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var (name, value) in environment)
            start.Environment[name] = value;

        using var process = Process.Start(start)!;
        var (output, errors) = await process.ReadToEndAsync();
        return new(process.ExitCode, output, errors);
    }

    /// <summary>Runs the compiler, which must neither fail nor warn.</summary>
    public static async Task<string> OutputAsync(string[] arguments, params (string Name, string Value)[] environment)
    {
        var run = await RunAsync(arguments, environment);
        Assert.True(run is { ExitCode: 0, Errors: "" }, $"bicep {string.Join(' ', arguments)}: {run.Output}{run.Errors}");
        return run.Output;
    }
}
