using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

[assembly: AssemblyFixture(typeof(Sessions.Tests.NoSecretInLogs))]

namespace Sessions.Tests;

/// <summary>Fails the run if a log entry contained a secret.</summary>
public sealed class NoSecretInLogs : IDisposable
{
    public void Dispose() => CapturedLogs.HoldNoSecret();
}

/// <summary>All log entries of every server in the run.</summary>
public sealed class CapturedLogs : ILoggerProvider, ILogger
{
    /// <summary>Text that tests put into bodies, and for which the logs are searched.</summary>
    public const string BodyMarker = "marker-in-a-body";

    private const int MostKept = 50_000;

    private static readonly string[] Secrets =
    [
        Server.Secret,
        Server.TokenSigningKey,
        BodyMarker,
        Account.Basic(Account.Writer, Server.Secret)["Basic ".Length..],
        "AccountKey=",
        "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq", // Azurite's well-known key.
        "eyJhbGciOi", // The beginning of every token.
    ];

    private static readonly ConcurrentQueue<string> Entries = new();
    private static readonly ConcurrentQueue<string> EntriesWithSecrets = new();

    public static CapturedLogs Provider { get; } = new();

    /// <summary>The newest entries.</summary>
    public static IReadOnlyCollection<string> All => Entries;

    /// <summary>No entry contains a secret, a token or a body, either in clear text or as the header that carries it.</summary>
    public static void HoldNoSecret() => Assert.Empty(EntriesWithSecrets);

    public ILogger CreateLogger(string categoryName) => this;

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull
    {
        Add($"{state}");
        return null;
    }

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        => Add($"{logLevel} {formatter(state, exception)} {exception}");

    public void Dispose()
    {
    }

    private static void Add(string entry)
    {
        if (Secrets.Any(secret => entry.Contains(secret, StringComparison.Ordinal)))
            EntriesWithSecrets.Enqueue(entry);
        Entries.Enqueue(entry);
        if (Entries.Count > MostKept)
            Entries.TryDequeue(out _);
    }
}
