using System.Diagnostics;
using System.Net;
using System.Text.Json;
using Sessions.Bench;

namespace Sessions.Startup;

/// <summary>The measurement of one start.</summary>
/// <param name="FirstAnswer">Milliseconds from the start of the process to its first response.</param>
/// <param name="Cpu">Milliseconds of CPU time until then.</param>
/// <param name="Memory">MiB of resident memory then.</param>
/// <param name="Assemblies">The assemblies that were loaded then.</param>
internal sealed record Measurement(double FirstAnswer, double Cpu, double Memory, IReadOnlySet<string> Assemblies);

/// <summary>A program whose start is measured.</summary>
internal abstract class Subject(string name, string file)
{
    private const string TokenSigningKey = "a key that signs no token that anyone takes";

    public string Name => name;

    /// <summary>
    /// Publishes the programs, with or without ReadyToRun, which compiles code ahead of time. The empty web application is the first of
    /// them.
    /// </summary>
    public static async Task<Subject[]> PublishAsync(bool readyToRun, string connectionString, HttpLoad load)
    {
        var localHost = await Repository.PublishAsync("src/LocalHost", readyToRun);
        var functionApp = await Repository.PublishAsync("bench/StartupHost", readyToRun);
        string[] settings = [$"--Sessions:StorageConnectionString={connectionString}", $"--Sessions:TokenSigningKey={TokenSigningKey}"];
        var suffix = readyToRun ? ", ReadyToRun" : "";
        var session = await CreateSessionAsync(localHost, settings, load);
        return
        [
            new WebSubject($"empty web application{suffix}", await Repository.PublishAsync("bench/Floor", readyToRun), [], "/"),
            new WebSubject($"LocalHost{suffix}", localHost, settings, $"{SessionsPath}/{session}"),
            new ConsoleSubject($"empty host{suffix}", functionApp, []),
            new ConsoleSubject($"function app{suffix}", functionApp, [.. settings, $"--session={session}"]),
        ];
    }

    /// <summary>Starts the program, and stops it after its first response.</summary>
    public abstract Task<Measurement> StartAsync(HttpLoad load);

    protected RunningProgram Start(IEnumerable<string> arguments)
        => RunningProgram.Start(file, ["--Logging:LogLevel:Default=Warning", .. arguments], Path.GetDirectoryName(file));

    protected static Measurement Measure(RunningProgram program, TimeSpan firstAnswer)
        => new(firstAnswer.TotalMilliseconds, program.CpuTime.TotalMilliseconds, program.Memory / (double)(1 << 20), program.Assemblies);

    private static string SessionsPath => $"/v1/accounts/{Samples.Account}/sessions";

    private static async Task<string> CreateSessionAsync(string localHost, string[] settings, HttpLoad load)
    {
        var url = RunningProgram.FindFreeUrl();
        await using var program = RunningProgram.Start(localHost, [$"--urls={url}", "--Gateway:MediaPort=0", .. settings], Path.GetDirectoryName(localHost));
        await program.FirstAnswerAsync(load.Client, () => new(HttpMethod.Get, new Uri(url, "/health")));
        var answer = await load.SendAsync(null, HttpMethod.Post, new(url, SessionsPath), HttpStatusCode.OK, Samples.Session);
        return JsonElement.Parse(answer).GetProperty("id").GetString()!;
    }

    /// <summary>A program that serves HTTP requests.</summary>
    private sealed class WebSubject(string name, string file, string[] arguments, string path) : Subject(name, file)
    {
        public override async Task<Measurement> StartAsync(HttpLoad load)
        {
            var url = RunningProgram.FindFreeUrl();
            await using var program = Start([$"--urls={url}", .. arguments]);
            var firstAnswer = await program.FirstAnswerAsync(
                load.Client, () => new(HttpMethod.Get, new Uri(url, path)) { Headers = { Authorization = HttpLoad.LocalCredential } });
            return Measure(program, firstAnswer);
        }
    }

    /// <summary>A program that prints a line after its first response.</summary>
    private sealed class ConsoleSubject(string name, string file, string[] arguments) : Subject(name, file)
    {
        public override async Task<Measurement> StartAsync(HttpLoad load)
        {
            var started = Stopwatch.GetTimestamp();
            await using var program = Start(arguments);
            var line = await program.ReadLineAsync();
            var firstAnswer = Stopwatch.GetElapsedTime(started);
            return line == "answered" ? Measure(program, firstAnswer) : throw new BenchmarkException($"{Name} printed {line}");
        }
    }
}
