using System.Diagnostics;
using System.Reflection;

namespace Sessions.Tests.Infrastructure;

/// <summary>The result of a run of the Bicep compiler.</summary>
internal sealed record BicepRun(int ExitCode, string Output, string Errors);

/// <summary>The Bicep compiler to use, the newest or the oldest in the package feed.</summary>
public enum BicepAge
{
    Newest,
    Oldest,
}

/// <summary>The Bicep compilers.</summary>
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

    /// <summary>Runs the newest compiler, or skips the test if there is none.</summary>
    /// <param name="arguments">The command, its file and its options.</param>
    /// <param name="environment">Environment variables that the parameters read.</param>
    public static Task<BicepRun> RunAsync(string[] arguments, params (string Name, string Value)[] environment)
        => RunAsync(BicepAge.Newest, arguments, environment);

    /// <summary>Runs the newest compiler, which must report neither errors nor warnings.</summary>
    public static Task<string> OutputAsync(string[] arguments, params (string Name, string Value)[] environment)
        => OutputAsync(BicepAge.Newest, arguments, environment);

    /// <summary>Runs a compiler, which must report neither errors nor warnings.</summary>
    public static async Task<string> OutputAsync(BicepAge age, string[] arguments, params (string Name, string Value)[] environment)
    {
        var run = await RunAsync(age, arguments, environment);
        Assert.True(run is { ExitCode: 0, Errors: "" }, $"{age} bicep {string.Join(' ', arguments)}: {run.Output}{run.Errors}");
        return run.Output;
    }

    private static async Task<BicepRun> RunAsync(BicepAge age, string[] arguments, (string Name, string Value)[] environment)
    {
        var name = age == BicepAge.Newest ? "BicepCompiler" : "OldestBicepCompiler";
        Assert.SkipUnless(BuildValues.TryGetValue(name, out var compiler), "The Bicep compiler is restored on linux-x64 only.");

        var start = new ProcessStartInfo(compiler!, arguments)
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var (variable, value) in environment)
            start.Environment[variable] = value;

        using var process = Process.Start(start)!;
        var (output, errors) = await process.ReadToEndAsync();
        return new(process.ExitCode, output, errors);
    }
}
