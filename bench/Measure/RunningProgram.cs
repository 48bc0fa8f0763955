using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Threading.Channels;

namespace Sessions.Bench;

/// <summary>A program in a separate process, and the resources that the operating system reports for it.</summary>
public sealed class RunningProgram : IAsyncDisposable
{
    private static readonly TimeSpan StartTimeout = TimeSpan.FromSeconds(60);

    private readonly Process _process;
    private readonly long _started;
    private readonly Channel<string> _lines = Channel.CreateUnbounded<string>();

    private RunningProgram(Process process, long started)
    {
        _process = process;
        _started = started;
        process.OutputDataReceived += (_, line) =>
        {
            if (line.Data is null)
                _lines.Writer.TryComplete();
            else
                _lines.Writer.TryWrite(line.Data);
        };
        process.BeginOutputReadLine();
    }

    /// <summary>Starts a program. Its standard error is shown.</summary>
    /// <param name="program">The program.</param>
    /// <param name="arguments">Its arguments.</param>
    /// <param name="folder">Its working folder, or null for that of this process.</param>
    /// <param name="environment">Environment variables in addition to those of this process.</param>
    public static RunningProgram Start(
        string program,
        IEnumerable<string> arguments,
        string? folder = null,
        IReadOnlyDictionary<string, string>? environment = null)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            WorkingDirectory = folder ?? "",
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        };
        foreach (var (name, value) in environment ?? new Dictionary<string, string>())
            start.Environment[name] = value;

        var started = Stopwatch.GetTimestamp();
        return new(Process.Start(start)!, started);
    }

    /// <summary>The process's id.</summary>
    public int ProcessId => _process.Id;

    /// <summary>
    /// The CPU time so far, of user and system, from <c>/proc/[pid]/stat</c> (proc_pid_stat(5)). Its unit is the clock tick, 10 ms.
    /// </summary>
    public TimeSpan CpuTime
    {
        get
        {
            _process.Refresh();
            return _process.TotalProcessorTime;
        }
    }

    /// <summary>The current resident memory, in bytes: VmRSS of <c>/proc/[pid]/status</c> (proc_pid_status(5)).</summary>
    public long Memory
    {
        get
        {
            _process.Refresh();
            return _process.WorkingSet64;
        }
    }

    /// <summary>
    /// The current resident memory of heaps and stacks, without mapped files, in bytes: RssAnon of <c>/proc/[pid]/status</c>
    /// (proc_pid_status(5)).
    /// </summary>
    public long AnonymousMemory
    {
        get
        {
            const string Name = "RssAnon:";
            var line = File.ReadLines($"/proc/{ProcessId}/status").Single(line => line.StartsWith(Name, StringComparison.Ordinal));
            return 1024 * long.Parse(line.AsSpan(Name.Length, line.Length - Name.Length - " kB".Length), CultureInfo.InvariantCulture);
        }
    }

    /// <summary>The file names of the loaded assemblies, which are the ones mapped into memory (proc_pid_maps(5)).</summary>
    public IReadOnlySet<string> Assemblies
        => File.ReadLines($"/proc/{ProcessId}/maps")
            .Where(line => line.EndsWith(".dll", StringComparison.Ordinal))
            .Select(line => line[(line.LastIndexOf('/') + 1)..^".dll".Length])
            .ToHashSet();

    /// <summary>The largest resident memory so far, in bytes: VmHWM of <c>/proc/[pid]/status</c> (proc_pid_status(5)).</summary>
    public long PeakMemory
    {
        get
        {
            _process.Refresh();
            return _process.PeakWorkingSet64;
        }
    }

    /// <summary>Resets <see cref="PeakMemory"/> to the current resident memory (proc_pid_clear_refs(5)).</summary>
    public Task ResetPeakMemoryAsync() => File.WriteAllTextAsync($"/proc/{ProcessId}/clear_refs", "5");

    /// <summary>Reads the next line of its standard output.</summary>
    /// <exception cref="BenchmarkException">The program has ended.</exception>
    public async Task<string> ReadLineAsync(CancellationToken cancellation = default)
    {
        try
        {
            return await _lines.Reader.ReadAsync(cancellation);
        }
        catch (ChannelClosedException)
        {
            throw new BenchmarkException($"{_process.StartInfo.FileName} ended.");
        }
    }

    /// <summary>Writes a line to its standard input.</summary>
    public Task WriteLineAsync(string line) => _process.StandardInput.WriteLineAsync(line);

    /// <summary>Waits until the program listens, which is checked each millisecond, and sends a request.</summary>
    /// <returns>The time from the start of the process to the response.</returns>
    /// <exception cref="BenchmarkException">The program has ended, did not listen within a minute, or returned an error.</exception>
    public async Task<TimeSpan> FirstAnswerAsync(HttpMessageInvoker client, Func<HttpRequestMessage> request)
    {
        using var message = request();
        while (!IsListening(message.RequestUri!.Port))
        {
            if (_process.HasExited)
                throw new BenchmarkException($"{_process.StartInfo.FileName} ended.");
            if (Stopwatch.GetElapsedTime(_started) > StartTimeout)
                throw new BenchmarkException($"{_process.StartInfo.FileName} did not answer.");

            await Task.Delay(1);
        }

        using var response = await client.SendAsync(message, CancellationToken.None);
        await response.Content.ReadAsByteArrayAsync();
        var elapsed = Stopwatch.GetElapsedTime(_started);
        return response.IsSuccessStatusCode
            ? elapsed
            : throw new BenchmarkException($"{_process.StartInfo.FileName} answered {(int)response.StatusCode} to {message.RequestUri}.");
    }

    /// <summary>
    /// Whether a program listens on the port, according to the operating system's list (proc_pid_net(5)). Connecting each millisecond would
    /// slow down the measured program.
    /// </summary>
    private static bool IsListening(int port)
    {
        var listening = string.Create(CultureInfo.InvariantCulture, $":{port:X4} 00000000:0000 0A");
        return File.ReadAllText("/proc/net/tcp").Contains(listening, StringComparison.Ordinal);
    }

    /// <summary>Returns a URL on this machine with a port that is currently free.</summary>
    public static Uri FindFreeUrl()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return new($"http://{listener.LocalEndpoint}");
    }

    /// <summary>Ends the process.</summary>
    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
            _process.Kill();
        await _process.WaitForExitAsync();
        _process.Dispose();
    }

    /// <summary>The program and its process id.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{_process.StartInfo.FileName} ({ProcessId})");
}
