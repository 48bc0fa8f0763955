using System.Diagnostics;
using System.Reflection;
using System.Runtime.InteropServices;

namespace Sessions.Bench;

/// <summary>The measured repository, and the programs that are published from it.</summary>
public static class Repository
{
    /// <summary>The repository's root.</summary>
    public static string Folder { get; } = typeof(Repository).Assembly
        .GetCustomAttributes<AssemblyMetadataAttribute>().Single(metadata => metadata.Key == "RepositoryFolder").Value!;

    /// <summary>The folder for the output of benchmarks, which git ignores.</summary>
    public static string ArtifactsFolder { get; } = Path.Combine(Folder, "artifacts", "bench");

    /// <summary>Publishes a project for this machine, in Release.</summary>
    /// <param name="project">The project's folder, below the repository's root.</param>
    /// <param name="readyToRun">Whether its code is compiled ahead of time.</param>
    /// <returns>The program to start.</returns>
    /// <exception cref="BenchmarkException">The project cannot be published.</exception>
    public static async Task<string> PublishAsync(string project, bool readyToRun = true)
    {
        var name = Path.GetFileName(project);
        var output = Path.Combine(ArtifactsFolder, "publish", readyToRun ? name : $"{name}-jit");
        Console.WriteLine($"Publishing {project}{(readyToRun ? ", ReadyToRun" : "")}...");
        await RunAsync(
            "dotnet",
            [
                "publish", project, "-c", "Release", "-r", RuntimeInformation.RuntimeIdentifier, "--self-contained", "false",
                $"-p:PublishReadyToRun={(readyToRun ? "true" : "false")}", "-o", output, "--nologo", "-v", "quiet",
            ],
            Folder);
        return Path.Combine(output, $"Sessions.{name}");
    }

    /// <summary>Runs a program to its end.</summary>
    /// <returns>The program's output.</returns>
    /// <exception cref="BenchmarkException">The program failed.</exception>
    public static async Task<string> RunAsync(string program, IEnumerable<string> arguments, string folder)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments)
        {
            WorkingDirectory = folder,
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        var output = process.StandardOutput.ReadToEndAsync();
        var errors = process.StandardError.ReadToEndAsync();
        await Task.WhenAll(output, errors, process.WaitForExitAsync());
        return process.ExitCode == 0
            ? await output
            : throw new BenchmarkException($"{program} {string.Join(' ', arguments)} failed: {await output}{await errors}");
    }
}
