using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Sessions.LocalHost;

/// <summary>Azurite's table service in a process of its own, on a free port of this machine.</summary>
public sealed class Azurite : IAsyncDisposable
{
    // Azurite's well-known account (https://learn.microsoft.com/azure/storage/common/storage-connect-azurite).
    private const string DefaultAccount = "devstoreaccount1";
    private const string Key = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

    private static readonly TimeSpan StartTimeout = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan StopTimeout = TimeSpan.FromSeconds(10);

    private readonly Process _process;
    private readonly int _port;
    private readonly FileStream? _lock;

    private Azurite(Process process, int port, FileStream? dataLock)
    {
        _process = process;
        _port = port;
        _lock = dataLock;
    }

    /// <summary>Starts Azurite, and installs it first when that has not been done.</summary>
    /// <param name="folder">The folder with Azurite's package.json.</param>
    /// <param name="dataFolder">Where the data are kept; null for in memory.</param>
    /// <param name="accounts">The storage accounts; Azurite's own when there is none.</param>
    /// <exception cref="LocalHostException">It cannot start.</exception>
    public static async Task<Azurite> StartAsync(string folder, string? dataFolder, params IEnumerable<string> accounts)
    {
        await InstallAsync(folder);
        var dataLock = dataFolder is null ? null : Lock(dataFolder);
        try
        {
            var port = FindFreePort();
            var start = new ProcessStartInfo(
                "node",
                [
                    "start.cjs", "--tableHost", "127.0.0.1", "--tablePort", port.ToString(CultureInfo.InvariantCulture),
                    "--tableKeepAliveTimeout", "600", "--silent", "--disableTelemetry", "--skipApiVersionCheck",
                    .. dataFolder is null ? ["--inMemoryPersistence"] : new[] { "--location", dataFolder },
                ]);
            var accountsAndKeys = string.Join(';', accounts.Select(account => $"{account}:{Key}"));
            if (accountsAndKeys.Length > 0)
                start.Environment["AZURITE_ACCOUNTS"] = accountsAndKeys;

            var process = Start(start, folder);
            await WaitUntilStartedAsync(process);
            return new(process, port, dataLock);
        }
        catch
        {
            dataLock?.Dispose();
            throw;
        }
    }

    /// <summary>The connection string of an account.</summary>
    public string ConnectionString(string account = DefaultAccount)
        => $"DefaultEndpointsProtocol=http;AccountName={account};AccountKey={Key};TableEndpoint=http://127.0.0.1:{_port}/{account};";

    /// <summary>Lets Azurite write its data out, and ends it.</summary>
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

    private static async Task InstallAsync(string folder)
    {
        using var installing = await LockWhenFreeAsync(Path.Combine(folder, "node_modules.lock"));
        var installed = new FileInfo(Path.Combine(folder, "node_modules", ".package-lock.json"));
        if (installed.Exists && installed.LastWriteTimeUtc >= File.GetLastWriteTimeUtc(Path.Combine(folder, "package-lock.json")))
            return;

        Console.WriteLine("Installing Azurite, once...");
        using var npm = Start(new(OperatingSystem.IsWindows() ? "npm.cmd" : "npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund"]), folder);
        var output = npm.StandardOutput.ReadToEndAsync();
        var errors = await npm.StandardError.ReadToEndAsync();
        await output;
        await npm.WaitForExitAsync();
        if (npm.ExitCode != 0)
            throw new LocalHostException($"Azurite could not be installed: npm ci in {folder} says: {errors.Trim()}");
    }

    private static Process Start(ProcessStartInfo start, string folder)
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

    private static async Task WaitUntilStartedAsync(Process process)
    {
        var started = new TaskCompletionSource();
        List<string> lines = [];
        process.EnableRaisingEvents = true;
        process.OutputDataReceived += (_, line) => Receive(line.Data);
        process.ErrorDataReceived += (_, line) => Receive(line.Data);
        process.Exited += (_, _) =>
        {
            lock (lines)
                started.TrySetException(new LocalHostException($"Azurite ended: {string.Join(' ', lines)}"));
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
            if (line.Contains("successfully started", StringComparison.Ordinal))
                started.TrySetResult();
        }
    }

    private static FileStream Lock(string dataFolder)
    {
        Directory.CreateDirectory(dataFolder);
        try
        {
            return new(Path.Combine(dataFolder, "lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException)
        {
            throw new LocalHostException($"Another LocalHost is using the data in {dataFolder}: stop it, or set Sessions__StorageConnectionString.");
        }
    }

    private static async Task<FileStream> LockWhenFreeAsync(string file)
    {
        while (true)
        {
            try
            {
                return new(file, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, 1, FileOptions.DeleteOnClose);
            }
            catch (IOException) when (File.Exists(file))
            {
                await Task.Delay(200);
            }
        }
    }

    private static int FindFreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
