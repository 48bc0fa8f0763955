using System.ComponentModel;
using System.Diagnostics;

namespace Sessions.LocalHost;

/// <summary>Runs programs of Node.js.</summary>
internal static class Node
{
    private const int OldestMajor = 20;

    private static readonly TimeSpan ProgressInterval = TimeSpan.FromSeconds(3);

    /// <summary>Starts a program of Node.js in a folder, with its input and output redirected.</summary>
    /// <exception cref="LocalHostException">Node.js is not installed.</exception>
    public static Process Start(ProcessStartInfo start, string folder)
    {
        start.WorkingDirectory = folder;
        start.RedirectStandardInput = start.RedirectStandardOutput = start.RedirectStandardError = true;
        try
        {
            return Process.Start(start)!;
        }
        catch (Win32Exception)
        {
            throw new LocalHostException(
                $"{start.FileName} was not found: install Node.js 20 or later (https://nodejs.org), or set Sessions__StorageConnectionString to storage of your own.");
        }
    }

    /// <summary>Installs the packages that a folder's package-lock.json pins, unless they are installed.</summary>
    /// <exception cref="LocalHostException">Node.js is not installed, npm fails, or the folder cannot be written.</exception>
    public static async Task InstallAsync(string folder)
    {
        if (IsInstalled(folder))
            return;

        try
        {
            await using var alone = await LockWhenFreeAsync(Path.Combine(folder, "node_modules.lock"));
            if (!IsInstalled(folder))
                await RunNpmAsync(folder);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new LocalHostException($"{folder} cannot be written, but npm packages must be installed there. Copy LocalHost to a folder of your own.");
        }
    }

    /// <summary>
    /// Throws if Node.js is too old. It is called only after a failure or before a long operation, because the check takes time.
    /// </summary>
    /// <exception cref="LocalHostException">Node.js is too old or not installed.</exception>
    public static async Task RefuseOutdatedAsync(string folder)
    {
        using var node = Start(new("node", ["--version"]), folder);
        var version = (await node.StandardOutput.ReadToEndAsync()).Trim();
        await node.WaitForExitAsync();
        if (Version.TryParse(version.TrimStart('v'), out var parsed) && parsed.Major < OldestMajor)
            throw new LocalHostException($"Node.js {version} is too old: install Node.js {OldestMajor} or later (https://nodejs.org).");
    }

    private static bool IsInstalled(string folder)
    {
        var installed = new FileInfo(Path.Combine(folder, "node_modules", ".package-lock.json"));
        return installed.Exists && installed.LastWriteTimeUtc >= File.GetLastWriteTimeUtc(Path.Combine(folder, "package-lock.json"));
    }

    private static async Task RunNpmAsync(string folder)
    {
        await RefuseOutdatedAsync(folder);
        Console.WriteLine($"Installing the npm packages of {folder}. This happens only once and takes about 20 seconds.");
        var started = Stopwatch.StartNew();
        var npmName = OperatingSystem.IsWindows() ? "npm.cmd" : "npm";
        using var npm = Start(new(npmName, ["ci", "--ignore-scripts", "--no-audit", "--no-fund"]), folder);
        var output = npm.StandardOutput.ReadToEndAsync();
        var errors = npm.StandardError.ReadToEndAsync();
        var installing = Task.WhenAll(output, errors, npm.WaitForExitAsync());
        while (await Task.WhenAny(installing, Task.Delay(ProgressInterval)) != installing)
            Console.WriteLine($"  npm ci is running, {started.Elapsed.TotalSeconds:F0} s so far.");
        await installing;
        if (npm.ExitCode != 0)
            throw new LocalHostException($"npm ci failed in {folder}: {(await errors).Trim()}");

        Console.WriteLine($"Installed in {started.Elapsed.TotalSeconds:F0} s.");
    }

    private static async Task<FileStream> LockWhenFreeAsync(string file)
    {
        while (true)
        {
            try
            {
                return new(file, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            }
            catch (IOException) when (File.Exists(file))
            {
                await Task.Delay(200);
            }
        }
    }
}
