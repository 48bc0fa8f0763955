using System.Diagnostics;

namespace Sessions.Tests;

/// <summary>Waits for a process with a time limit. A process that takes longer is killed, and the test fails.</summary>
internal static class ProcessWaits
{
    // More than any process needs on a busy machine.
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(2);

    /// <summary>Waits until the process has ended.</summary>
    public static Task EndAsync(this Process process) => process.WithinLimitAsync(process.WaitForExitAsync());

    /// <summary>Waits until the process has ended, and returns what it printed.</summary>
    public static async Task<(string Output, string Errors)> ReadToEndAsync(this Process process)
    {
        var output = process.StandardOutput.ReadToEndAsync();
        var errors = process.StandardError.ReadToEndAsync();
        await process.WithinLimitAsync(Task.WhenAll(output, errors, process.WaitForExitAsync()));
        return (await output, await errors);
    }

    /// <summary>Reads the next line that the process prints, or null at the end of its output.</summary>
    public static async Task<string?> ReadLineAsync(this Process process)
    {
        var line = process.StandardOutput.ReadLineAsync();
        await process.WithinLimitAsync(line);
        return await line;
    }

    private static async Task WithinLimitAsync(this Process process, Task waiting)
    {
        try
        {
            await waiting.WaitAsync(Limit);
        }
        catch (TimeoutException exception)
        {
            process.Kill(entireProcessTree: true);
            throw new TimeoutException($"{process.StartInfo.FileName} {string.Join(' ', process.StartInfo.ArgumentList)} took longer than {Limit}.", exception);
        }
    }
}
