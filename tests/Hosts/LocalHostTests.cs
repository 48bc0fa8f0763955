using System.Diagnostics;
using System.Globalization;
using System.Net;
using Azure;
using Azure.Data.Tables;
using Sessions.LocalHost;
using Sessions.Storage;

namespace Sessions.Tests;

/// <summary>LocalHost as a process, with its output, its shutdown, and its errors when it cannot start.</summary>
public sealed class LocalHostTests(LocalHostTests.OwnAzurite azurite) : IClassFixture<LocalHostTests.OwnAzurite>
{
    /// <summary>Separate from that of the other tests, because LocalHost does not start if storage does not respond for 5 seconds.</summary>
    public sealed class OwnAzurite : IAsyncLifetime
    {
        private readonly AzuriteFixture _azurite = new();

        public string NextConnectionString() => _azurite.NextConnectionString();

        public ValueTask InitializeAsync() => _azurite.InitializeAsync();

        public ValueTask DisposeAsync() => _azurite.DisposeAsync();
    }

    private const string AnyPort = "--urls=http://127.0.0.1:0";

    [Fact]
    public async Task LocalHost_prints_a_working_curl_command_and_stops_on_an_interrupt()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Windows has no signals: LocalHost is interrupted with kill.");
        Assert.SkipWhen(IsInterruptIgnored(), "The shell started the tests with SIGINT ignored, so LocalHost would ignore it.");
        using var localHost = Start([AnyPort], ("Sessions__StorageConnectionString", azurite.NextConnectionString()));
        var lines = await ReadUntilAsync(localHost, "Press Ctrl+C");
        var curl = lines.Single(line => line.StartsWith("  curl ", StringComparison.Ordinal));

        using var shell = Start("bash", ["-c", $"{curl} -s -w ' %{{http_code}}'"]);
        var (answer, _) = await shell.ReadToEndAsync();
        using var kill = Start("kill", ["-INT", $"{localHost.Id}"]);
        await localHost.EndAsync();

        Assert.Matches("""^\{"id":"[0-9a-f-]{36}","tag":"first","participant_ids":\[\]\} 200$""", answer);
        Assert.Contains(lines, line => line.StartsWith("Sessions is listening. The base URL for your SDK: http://127.0.0.1:", StringComparison.Ordinal) && line.EndsWith("/v1", StringComparison.Ordinal));
        Assert.Equal(0, localHost.ExitCode);
    }

    [Fact]
    public async Task LocalHost_loads_no_libraries_for_unconfigured_telemetry_and_identities()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "The loaded assemblies are read from /proc.");
        using var localHost = Start([AnyPort], ("Sessions__StorageConnectionString", azurite.NextConnectionString()));
        var lines = await ReadUntilAsync(localHost, "Press Ctrl+C");
        var curl = lines.Single(line => line.StartsWith("  curl ", StringComparison.Ordinal));
        using var shell = Start("bash", ["-c", $"{curl} -s -f"]);
        await shell.EndAsync();
        var loaded = await File.ReadAllTextAsync($"/proc/{localHost.Id}/maps");
        localHost.Kill();

        Assert.Equal(0, shell.ExitCode);
        Assert.Contains("/Azure.Data.Tables.dll", loaded, StringComparison.Ordinal);
        Assert.DoesNotMatch("/(Azure.Identity|Azure.Monitor|Microsoft.Identity|OpenTelemetry)[^/]*[.]dll", loaded);
    }

    [Fact]
    public async Task A_restart_writes_no_credential_unless_it_was_changed()
    {
        var connectionString = azurite.NextConnectionString();
        var credentials = new TableClient(connectionString, "credentials");
        await StartAndEndAsync();
        var made = await LocalCredentialAsync();
        await StartAndEndAsync();
        Assert.Equal(made.ETag, (await LocalCredentialAsync()).ETag);

        await credentials.UpdateEntityAsync(new TableEntity(made.PartitionKey, made.RowKey) { ["Access"] = "Read" }, ETag.All);
        await StartAndEndAsync();
        Assert.Equal("Write", (await LocalCredentialAsync()).GetString("Access"));

        async Task<TableEntity> LocalCredentialAsync()
            => await credentials.GetEntityAsync<TableEntity>("9900000", Convert.ToHexStringLower("local"u8));

        async Task StartAndEndAsync()
        {
            using var localHost = Start([AnyPort], ("Sessions__StorageConnectionString", connectionString));
            await ReadUntilAsync(localHost, "Press Ctrl+C");
            localHost.Kill();
        }
    }

    [Fact]
    public async Task Data_survives_a_restart_of_Azurite()
    {
        var folder = Directory.CreateTempSubdirectory("sessions-").FullName;
        await using (var first = await Azurite.StartAsync(LocalStorage.AzuriteFolder, folder))
        {
            var tables = new Tables(new TableServiceClient(first.ConnectionString()));
            await tables.CreateAsync(CancellationToken.None);
            await tables.Sessions.AddEntityAsync(new TableEntity("partition", "row") { ["Tag"] = "kept" });
        }

        await using var second = await Azurite.StartAsync(LocalStorage.AzuriteFolder, folder);
        var row = await new Tables(new TableServiceClient(second.ConnectionString())).Sessions.GetEntityAsync<TableEntity>("partition", "row");

        Assert.Equal("kept", row.Value.GetString("Tag"));
    }

    [Fact]
    public async Task Two_LocalHosts_cannot_use_the_same_data()
    {
        var folder = Directory.CreateTempSubdirectory("sessions-").FullName;
        await using var first = await Azurite.StartAsync(LocalStorage.AzuriteFolder, folder);

        var exception = await Assert.ThrowsAsync<LocalHostException>(() => Azurite.StartAsync(LocalStorage.AzuriteFolder, folder));

        Assert.Equal($"Another LocalHost is using the data in {folder}: stop it, or set Sessions__StorageConnectionString.", exception.Message);
    }

    [Fact]
    public async Task A_missing_Node_is_reported_in_one_line()
        => Assert.Equal(
            "node was not found: install Node.js 20 or later (https://nodejs.org), or set Sessions__StorageConnectionString to storage of your own.",
            await FailsAsync([AnyPort], ("PATH", "")));

    [Fact]
    public async Task An_outdated_Node_is_reported_in_one_line()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "This test replaces Node.js with a shell script.");
        var folder = Directory.CreateTempSubdirectory("sessions-").FullName;
        WriteScript(Path.Combine(folder, "node"), "#!/bin/sh\n[ \"$1\" = --version ] && echo v18.1.0\nexit 1\n");
        using var localHost = Start([AnyPort, "--data", Path.Combine(folder, "data")], ("PATH", $"{folder}:{Environment.GetEnvironmentVariable("PATH")}"));

        // The output contains the port of the storage if another LocalHost uses the default port.
        var (_, errors) = await localHost.ReadToEndAsync();

        Assert.Equal((1, "Node.js v18.1.0 is too old: install Node.js 20 or later (https://nodejs.org)."), (localHost.ExitCode, errors.TrimEnd()));
    }

    [Fact]
    public async Task A_copy_in_another_folder_installs_its_npm_packages_and_reports_progress()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "This test replaces npm with a shell script.");
        var folder = Directory.CreateTempSubdirectory("sessions-").FullName;
        var program = CopyOfLocalHost(Path.Combine(folder, "program"));
        var finish = Path.Combine(folder, "finish");
        WriteScript(Path.Combine(folder, "npm"), $"""
            #!/bin/sh
            for try in $(seq 600); do
              [ -e {finish} ] && exec ln -s {LocalStorage.AzuriteFolder}/node_modules node_modules
              sleep 0.1
            done
            exit 1
            """);
        using var localHost = Start(
            "dotnet", [program, AnyPort, "--Gateway:MediaPort=0"], ("PATH", $"{folder}:{Environment.GetEnvironmentVariable("PATH")}"));

        var lines = await ReadUntilAsync(localHost, "  npm ci is running, ");
        Assert.Contains($"Installing the npm packages of {Path.Combine(folder, "program", "azurite")}. This happens only once and takes about 20 seconds.", lines);
        await File.WriteAllTextAsync(finish, "");
        lines = await ReadUntilAsync(localHost, "Press Ctrl+C");
        using var kill = Start("kill", [$"{localHost.Id}"]);
        await localHost.EndAsync();

        Assert.Contains(lines, line => line.StartsWith("Installed in ", StringComparison.Ordinal));
        Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public async Task A_folder_in_which_npm_packages_cannot_be_installed_is_reported_in_one_line()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Files cannot be created in /proc, not even by root.");

        var exception = await Assert.ThrowsAsync<LocalHostException>(() => Node.InstallAsync("/proc"));

        Assert.Equal("/proc cannot be written, but npm packages must be installed there. Copy LocalHost to a folder of your own.", exception.Message);
    }

    [Fact]
    public async Task The_storage_port_is_the_same_at_every_start_and_log_lines_have_timestamps()
    {
        var data = Path.Combine(Directory.CreateTempSubdirectory("sessions-").FullName, "data");
        var first = await StartAsync();
        Assert.SkipWhen(first is null, "Another LocalHost is using the storage port.");

        Assert.Equal(first, await StartAsync());

        async Task<string?> StartAsync()
        {
            using var localHost = Start([AnyPort, "--data", data, "--Gateway:MediaPort=0"]);
            var lines = await ReadUntilAsync(localHost, "Press Ctrl+C");
            using var http = new HttpClient();
            using var answer = await http.GetAsync(new Uri(lines.Single(line => line.Contains("listening.", StringComparison.Ordinal)).Split(' ')[^1]));
            var log = await localHost.ReadLineAsync();
            while (log is "")
                log = await localHost.ReadLineAsync();
            Assert.Matches(@"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z info: Sessions\.LocalHost\.Request\[15\] GET /v1 404 ", log);
            using var kill = Start("kill", [$"{localHost.Id}"]);
            await localHost.EndAsync();
            return lines.Any(line => line.StartsWith("Another program uses port ", StringComparison.Ordinal)) ? null
                : lines.Single(line => line.StartsWith("  export", StringComparison.Ordinal));
        }
    }

    [Fact]
    public async Task A_port_in_use_is_reported_in_one_line()
    {
        using var listener = new System.Net.Sockets.TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var url = $"http://{listener.LocalEndpoint}";

        Assert.Equal(
            $"Failed to bind to address {url}: address already in use. Choose another address with --urls http://localhost:PORT.",
            await FailsAsync([$"--urls={url}"], ("Sessions__StorageConnectionString", azurite.NextConnectionString())));
    }

    [Fact]
    public async Task A_media_port_in_use_is_reported_in_one_line()
    {
        using var listener = new System.Net.Sockets.TcpListener(IPAddress.Any, 0);
        listener.Start();
        var port = ((IPEndPoint)listener.LocalEndpoint).Port;
        var data = Path.Combine(Directory.CreateTempSubdirectory("sessions-").FullName, "data");
        using var localHost = Start([AnyPort, "--data", data, $"--Gateway:MediaPort={port}"]);

        // The output contains the port of the storage if another LocalHost uses the default port.
        var (output, errors) = await localHost.ReadToEndAsync();

        Assert.DoesNotContain("crit:", output, StringComparison.Ordinal);
        Assert.StartsWith($"Port {port} of Gateway:MediaPort cannot be bound for media over UDP and TCP: ", Assert.Single(errors.TrimEnd().Split('\n')), StringComparison.Ordinal);
        Assert.Equal(1, localHost.ExitCode);
    }

    [Fact]
    public async Task An_invalid_connection_string_is_reported_in_one_line()
        => Assert.Equal(
            "Sessions__StorageConnectionString: expected a storage connection string.",
            await FailsAsync([AnyPort], ("Sessions__StorageConnectionString", "secret")));

    [Fact]
    public async Task An_invalid_address_is_reported_in_one_line()
        => Assert.Equal(
            "Invalid url: 'nonsense'. Choose another address with --urls http://localhost:PORT.",
            await FailsAsync(["--urls=nonsense"], ("Sessions__StorageConnectionString", azurite.NextConnectionString())));

    [Fact]
    public async Task Unreachable_storage_is_reported_in_one_line()
        => Assert.Equal(
            "The tables at http://127.0.0.1:1 cannot be used: Connection refused",
            await FailsAsync([AnyPort], ("Sessions__StorageConnectionString", "AccountName=a;AccountKey=c2VjcmV0;TableEndpoint=http://127.0.0.1:1/a")));

    /// <summary>Whether SIGINT is ignored, which a process inherits (proc_pid_status(5), SigIgn).</summary>
    private static bool IsInterruptIgnored()
        => File.Exists("/proc/self/status")
            && File.ReadLines("/proc/self/status").Single(line => line.StartsWith("SigIgn:", StringComparison.Ordinal)) is var line
            && (ulong.Parse(line.AsSpan("SigIgn:".Length).Trim(), NumberStyles.HexNumber, CultureInfo.InvariantCulture) & 2) != 0;

    /// <summary>Copies LocalHost and the files that its publish output has beside it. Returns the path of the copied program.</summary>
    private static string CopyOfLocalHost(string folder)
    {
        var program = typeof(LocalHostProgram).Assembly.Location;
        CopyFiles(Path.GetDirectoryName(program)!, folder);
        CopyFiles(LocalStorage.AzuriteFolder, Path.Combine(folder, "azurite"));
        return Path.Combine(folder, Path.GetFileName(program));
    }

    private static void CopyFiles(string from, string to)
    {
        Directory.CreateDirectory(to);
        foreach (var file in Directory.EnumerateFiles(from))
            File.Copy(file, Path.Combine(to, Path.GetFileName(file)));
    }

    private static void WriteScript(string file, string text)
    {
        File.WriteAllText(file, text);
        if (!OperatingSystem.IsWindows())
            File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserExecute);
    }

    private static async Task<string> FailsAsync(string[] arguments, params (string Name, string Value)[] environment)
    {
        using var localHost = Start(arguments, environment);
        var (output, errors) = await localHost.ReadToEndAsync();
        Assert.Equal((1, ""), (localHost.ExitCode, output));
        return errors.TrimEnd();
    }

    private static Process Start(string[] arguments, params (string Name, string Value)[] environment)
        => Start("dotnet", [typeof(LocalHostProgram).Assembly.Location, .. arguments], environment);

    private static Process Start(string program, string[] arguments, params (string Name, string Value)[] environment)
    {
        var start = new ProcessStartInfo(program, arguments) { UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var (name, value) in environment)
            start.Environment[name] = value;
        return Process.Start(start)!;
    }

    private static async Task<IReadOnlyList<string>> ReadUntilAsync(Process process, string end)
    {
        List<string> lines = [];
        while (await process.ReadLineAsync() is { } line)
        {
            lines.Add(line);
            if (line.StartsWith(end, StringComparison.Ordinal))
                return lines;
        }

        throw new InvalidOperationException($"{string.Join('\n', lines)}{await process.StandardError.ReadToEndAsync()}");
    }
}
