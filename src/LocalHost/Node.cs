using System.ComponentModel;
using System.Diagnostics;

namespace Sessions.LocalHost;

/// <summary>Programs of Node.js.</summary>
internal static class Node
{
    /// <summary>Starts a program of Node.js in a folder, with its input and output redirected.</summary>
    /// <exception cref="LocalHostException">There is no Node.js.</exception>
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

    /// <summary>Installs what a folder's package-lock.json pins, unless that is done already.</summary>
    /// <exception cref="LocalHostException">There is no Node.js, or npm fails.</exception>
    public static async Task InstallAsync(string folder)
    {
        await using var alone = await LockWhenFreeAsync(Path.Combine(folder, "node_modules.lock"));
        var installed = new FileInfo(Path.Combine(folder, "node_modules", ".package-lock.json"));
        if (installed.Exists && installed.LastWriteTimeUtc >= File.GetLastWriteTimeUtc(Path.Combine(folder, "package-lock.json")))
            return;

        Console.WriteLine($"Installing the npm packages of {folder}, once...");
        var npmName = OperatingSystem.IsWindows() ? "npm.cmd" : "npm";
        using var npm = Start(new(npmName, ["ci", "--ignore-scripts", "--no-audit", "--no-fund"]), folder);
        var output = npm.StandardOutput.ReadToEndAsync();
        var errors = npm.StandardError.ReadToEndAsync();
        await Task.WhenAll(output, errors, npm.WaitForExitAsync());
        if (npm.ExitCode != 0)
            throw new LocalHostException($"npm ci failed in {folder}: {(await errors).Trim()}");
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
