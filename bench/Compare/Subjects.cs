using System.Globalization;
using System.Text.Json;
using Sessions.Bench;
using Sessions.LocalHost;

namespace Sessions.Compare;

/// <summary>The names of the subjects.</summary>
internal static class SubjectNames
{
    public const string Limit = "limit";
    public const string Sessions = "Sessions";
    public const string Express = "Express";
    public const string Floor = "floor";

    public static IReadOnlyList<string> All { get; } = [Limit, Sessions, Express, Floor];
}

/// <summary>One of the compared programs.</summary>
internal abstract class Subject(string name, RunningProgram program, StoredRows? rows) : IAsyncDisposable
{
    private static readonly TimeSpan StartTimeout = TimeSpan.FromSeconds(60);

    public string Name => name;

    public RunningProgram Program => program;

    /// <summary>Whether it supports an operation.</summary>
    public virtual bool Does(string operation) => true;

    /// <summary>Runs a load against it.</summary>
    public abstract Task<LoadSummary> LoadAsync(string operation, int connections, TimeSpan duration);

    /// <summary>
    /// Restores its storage to the state before a load. For some calls Azurite scans all rows of a table, so without this a faster subject
    /// would soon become slower.
    /// </summary>
    public Task RestoreAsync(string operation)
        => rows is not null && operation is Operations.CreateSession or Operations.Call ? rows.RestoreAsync() : Task.CompletedTask;

    public virtual ValueTask DisposeAsync() => program.DisposeAsync();

    /// <summary>Starts a subject, and prepares its data.</summary>
    public static Task<Subject> StartAsync(string name, string connectionString, int sessions) => name switch
    {
        SubjectNames.Limit => StartLimitAsync(connectionString, sessions),
        SubjectNames.Sessions => StartSessionsAsync(connectionString, sessions),
        SubjectNames.Express => StartExpressAsync(connectionString, sessions),
        _ => StartFloorAsync(),
    };

    private static async Task<Subject> StartLimitAsync(string connectionString, int sessions)
    {
        var program = RunningProgram.Start(
            await Repository.PublishAsync("bench/Limit"), [connectionString, sessions.ToString(CultureInfo.InvariantCulture)]);
        await WaitForLineAsync(program, "ready");
        return new LimitSubject(program, await StoredRows.ReadAsync(connectionString));
    }

    private static async Task<Subject> StartSessionsAsync(string connectionString, int sessions)
    {
        var file = await Repository.PublishAsync("src/LocalHost");
        var url = RunningProgram.FindFreeUrl();
        var program = RunningProgram.Start(
            file,
            [
                $"--urls={url}",
                "--Gateway:MediaPort=0",
                $"--Sessions:StorageConnectionString={connectionString}",
                $"--Sessions:TokenSigningKey={TokenSigningKey}",
                "--Logging:LogLevel:Sessions.LocalHost.Request=None",
            ],
            Path.GetDirectoryName(file));
        var load = new HttpLoad();
        await program.FirstAnswerAsync(load.Client, () => new(HttpMethod.Get, new Uri(url, "/health")));
        await MeasuredAccount.AddAsync(connectionString);
        return await HttpSubject.PrepareAsync(SubjectNames.Sessions, program, load, url, MeasuredAccount.Id, sessions, connectionString);
    }

    private static async Task<Subject> StartExpressAsync(string connectionString, int sessions)
    {
        var folder = Path.Combine(Repository.Folder, "bench", "peers", "express");
        await Node.InstallAsync(folder);
        var url = RunningProgram.FindFreeUrl();
        var program = RunningProgram.Start("node", ["server.js"], folder, new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["NODE_ENV"] = "production",
            ["PORT"] = url.Port.ToString(CultureInfo.InvariantCulture),
            ["STORAGE_CONNECTION_STRING"] = connectionString,
            ["TOKEN_SIGNING_KEY"] = TokenSigningKey,
        });
        await WaitForLineAsync(program, "listening on");
        return await HttpSubject.PrepareAsync(SubjectNames.Express, program, new HttpLoad(), url, Samples.Account, sessions, connectionString);
    }

    private static async Task<Subject> StartFloorAsync()
    {
        var url = RunningProgram.FindFreeUrl();
        var program = RunningProgram.Start(await Repository.PublishAsync("bench/Floor"), [$"--urls={url}"]);
        var load = new HttpLoad();
        await program.FirstAnswerAsync(load.Client, () => new(HttpMethod.Get, url));
        return new FloorSubject(program, load, url);
    }

    private static string TokenSigningKey { get; } = new('k', 32);

    private static async Task WaitForLineAsync(RunningProgram program, string beginning)
    {
        using var timeout = new CancellationTokenSource(StartTimeout);
        while (!(await program.ReadLineAsync(timeout.Token)).StartsWith(beginning, StringComparison.Ordinal))
        {
            // Other output of the program is ignored.
        }
    }
}

/// <summary>Only the storage calls, in a program that runs the load itself, without HTTP.</summary>
internal sealed class LimitSubject(RunningProgram program, StoredRows rows) : Subject(SubjectNames.Limit, program, rows)
{
    public override async Task<LoadSummary> LoadAsync(string operation, int connections, TimeSpan duration)
    {
        await Program.WriteLineAsync(string.Create(CultureInfo.InvariantCulture, $"{operation} {connections} {duration.TotalSeconds}"));
        return JsonSerializer.Deserialize<LoadSummary>(await Program.ReadLineAsync())!;
    }
}

/// <summary>A server that returns a constant response to every request.</summary>
internal sealed class FloorSubject(RunningProgram program, HttpLoad load, Uri url) : Subject(SubjectNames.Floor, program, rows: null)
{
    public override bool Does(string operation) => operation == Operations.GetSession;

    public override async Task<LoadSummary> LoadAsync(string operation, int connections, TimeSpan duration)
    {
        var result = await ClosedLoop.RunAsync(
            connections,
            duration,
            () => Program.CpuTime,
            (_, recorder) => load.SendAsync(recorder, HttpMethod.Get, url, System.Net.HttpStatusCode.OK));
        return result.Summarize();
    }

    public override async ValueTask DisposeAsync()
    {
        load.Dispose();
        await base.DisposeAsync();
    }
}
