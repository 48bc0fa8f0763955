using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Sessions.LocalHost;

/// <summary>Azurite's table and queue services, in a separate process and on ports of this machine.</summary>
public sealed class Azurite : IAsyncDisposable
{
    // Azurite's well-known account (https://learn.microsoft.com/azure/storage/common/storage-connect-azurite).
    private const string DefaultAccount = "devstoreaccount1";
    private const string Key = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

    private static readonly TimeSpan StartTimeout = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan StopTimeout = TimeSpan.FromSeconds(10);

    private readonly Process _process;
    private readonly int _port;
    private readonly int _queuePort;
    private readonly FileStream? _lock;

    private Azurite(Process process, int port, int queuePort, FileStream? dataLock)
    {
        _process = process;
        _port = port;
        _queuePort = queuePort;
        _lock = dataLock;
    }

    /// <summary>Starts Azurite. Installs it first if it is not installed.</summary>
    /// <param name="folder">The folder with Azurite's package.json.</param>
    /// <param name="dataFolder">The folder for the data, or null to keep them in memory.</param>
    /// <param name="port">The port of the tables, or null for a free port.</param>
    /// <param name="queuePort">The port of the queues, or null for a free port.</param>
    /// <param name="accounts">The storage accounts. If there is none, Azurite's default account is used.</param>
    /// <exception cref="LocalHostException">Azurite cannot start.</exception>
    public static async Task<Azurite> StartAsync(string folder, string? dataFolder, int? port = null, int? queuePort = null, params IEnumerable<string> accounts)
    {
        await Node.InstallAsync(folder);
        var dataLock = dataFolder is null ? null : Lock(dataFolder);
        try
        {
            var free = FindFreePorts();
            var (tablePort, queues) = (port ?? free.First, queuePort ?? free.Second);
            var start = new ProcessStartInfo(
                "node",
                [
                    "start.cjs", "--tableHost", "127.0.0.1", "--tablePort", tablePort.ToString(CultureInfo.InvariantCulture),
                    "--tableKeepAliveTimeout", "600",
                    "--queueHost", "127.0.0.1", "--queuePort", queues.ToString(CultureInfo.InvariantCulture),
                    "--silent", "--disableTelemetry", "--skipApiVersionCheck",
                    .. dataFolder is null ? ["--inMemoryPersistence"] : new[] { "--location", dataFolder },
                ]);
            var accountsAndKeys = string.Join(';', accounts.Select(account => $"{account}:{Key}"));
            if (accountsAndKeys.Length > 0)
                start.Environment["AZURITE_ACCOUNTS"] = accountsAndKeys;

            var process = Node.Start(start, folder);
            try
            {
                await WaitUntilStartedAsync(process);
            }
            catch (LocalHostException)
            {
                await Node.RefuseOutdatedAsync(folder);
                throw;
            }

            return new(process, tablePort, queues, dataLock);
        }
        catch
        {
            dataLock?.Dispose();
            throw;
        }
    }

    /// <summary>The connection string of an account.</summary>
    public string ConnectionString(string account = DefaultAccount)
        => $"DefaultEndpointsProtocol=http;AccountName={account};AccountKey={Key};"
            + $"QueueEndpoint=http://127.0.0.1:{_queuePort}/{account};TableEndpoint=http://127.0.0.1:{_port}/{account};";

    /// <summary>The process's id.</summary>
    public int ProcessId => _process.Id;

    /// <summary>Completes when the process has ended.</summary>
    public Task Ended() => _process.WaitForExitAsync();

    /// <summary>Stops Azurite after it has written its data.</summary>
    public async ValueTask DisposeAsync()
    {
        _process.StandardInput.Close();
        using var timeout = new CancellationTokenSource(StopTimeout);
        try
        {
            await _process.WaitForExitAsync(timeout.Token);
        }
        catch (OperationCanceledException)
        {
            _process.Kill();
        }

        _process.Dispose();
        if (_lock is not null)
            await _lock.DisposeAsync();
    }

    private static async Task WaitUntilStartedAsync(Process process)
    {
        var started = new TaskCompletionSource();
        List<string> lines = [];
        var services = 0;
        process.EnableRaisingEvents = true;
        process.OutputDataReceived += (_, line) => Receive(line.Data);
        process.ErrorDataReceived += (_, line) => Receive(line.Data);
        process.Exited += (_, _) =>
        {
            lock (lines)
                started.TrySetException(new LocalHostException($"Azurite stopped: {(lines is [] ? $"exit code {process.ExitCode}, without an error text" : string.Join(' ', lines))}"));
        };
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        await started.Task.WaitAsync(StartTimeout);

        void Receive(string? line)
        {
            if (line is null || started.Task.IsCompleted)
                return;

            lock (lines)
                lines.Add(line);

            // The service of the tables prints one of these lines, and so does the service of the queues.
            if (line.Contains("successfully started", StringComparison.Ordinal) || line.Contains("successfully listens", StringComparison.Ordinal))
                services++;
            if (services == 2)
                started.TrySetResult();
        }
    }

    private static FileStream Lock(string dataFolder)
    {
        try
        {
            return new LocalData(dataFolder).TryLock()
                ?? throw new LocalHostException($"Another LocalHost is using the data in {dataFolder}: stop it, or set Sessions__StorageConnectionString.");
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new LocalHostException($"{dataFolder} cannot be written: choose another folder with --data FOLDER.");
        }
    }

    /// <summary>Two different free ports. Both are held until both are known.</summary>
    private static (int First, int Second) FindFreePorts()
    {
        using TcpListener first = new(IPAddress.Loopback, 0), second = new(IPAddress.Loopback, 0);
        first.Start();
        second.Start();
        return (((IPEndPoint)first.LocalEndpoint).Port, ((IPEndPoint)second.LocalEndpoint).Port);
    }
}
