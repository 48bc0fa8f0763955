using Azure;
using Azure.Data.Tables;
using BenchmarkDotNet.Attributes;

namespace Sessions.Micro;

/// <summary>One request by LocalHost's router with storage in memory, beside the calls of the table client that it needs.</summary>
[MemoryDiagnoser]
public abstract class OperationBenchmark : IAsyncDisposable
{
    private readonly InMemorySessions _sessions = new();
    private readonly InMemoryRequest _request;

    private protected OperationBenchmark(string method, string path, string? body = null) => _request = _sessions.Request(method, path, body);

    private protected static string Partition => $"{InMemorySessions.AccountId}:{InMemorySessions.SessionId}";

    private protected static string Member => $"member:{InMemorySessions.ParticipantId}";

    private protected TableClient Table => _sessions.Tables.Sessions;

    /// <summary>The calls alone, with the app's client options.</summary>
    public abstract Task TableClient();

    /// <summary>The whole request.</summary>
    [Benchmark]
    public Task Request() => _request.SendAsync();

    /// <summary>Ends what was started.</summary>
    [GlobalCleanup]
    public async ValueTask DisposeAsync()
    {
        await _sessions.DisposeAsync();
        GC.SuppressFinalize(this);
    }
}

/// <summary>getSession: one row is read.</summary>
[BenchmarkCategory(nameof(GetSession))]
public class GetSession() : OperationBenchmark("GET", InMemorySessions.SessionPath)
{
    /// <inheritdoc/>
    [Benchmark(Baseline = true)]
    public override Task TableClient() => Table.GetEntityIfExistsAsync<TableEntity>(Partition, "session");
}

/// <summary>getParticipantSubscriptions: one row is read.</summary>
[BenchmarkCategory(nameof(GetParticipantSubscriptions))]
public class GetParticipantSubscriptions() : OperationBenchmark("GET", InMemorySessions.SubscriptionsPath)
{
    /// <inheritdoc/>
    [Benchmark(Baseline = true)]
    public override Task TableClient() => Table.GetEntityIfExistsAsync<TableEntity>(Partition, Member);
}

/// <summary>createSession: two rows are written in parallel.</summary>
[BenchmarkCategory(nameof(CreateSession))]
public class CreateSession() : OperationBenchmark("POST", InMemorySessions.SessionsPath, InMemorySessions.NewSession)
{
    /// <inheritdoc/>
    [Benchmark(Baseline = true)]
    public override Task TableClient()
        => Task.WhenAll(
            Table.AddEntityAsync(new TableEntity(Partition, "session")
            {
                ["Tag"] = "weekly review",
                ["Created"] = DateTimeOffset.UtcNow,
                ["Expires"] = DateTimeOffset.UtcNow.AddHours(9),
                ["Version"] = "14ebd3b8-8473-4299-9f9a-9b8e595f61d8",
                ["WriteId"] = "47cae1e7-81c3-4c75-b30b-2f233471f89b",
            }),
            Table.AddEntityAsync(new TableEntity(":2026112403:3", Partition)));
}

/// <summary>updateParticipantSubscriptions: one row is written, and in parallel read.</summary>
[BenchmarkCategory(nameof(UpdateParticipantSubscriptions))]
public class UpdateParticipantSubscriptions()
    : OperationBenchmark("PUT", InMemorySessions.SubscriptionsPath, InMemorySessions.Subscriptions)
{
    private readonly byte[] _subscriptions = System.Text.Encoding.UTF8.GetBytes(InMemorySessions.Subscriptions);

    /// <inheritdoc/>
    [Benchmark(Baseline = true)]
    public override Task TableClient()
        => Task.WhenAll(
            Table.UpdateEntityAsync(
                new TableEntity(Partition, Member) { ["Subscriptions"] = _subscriptions, ["WriteId"] = "dc9e21a6-b1c3-47b3-94b4-31c01abea620" },
                ETag.All,
                TableUpdateMode.Merge),
            Table.GetEntityIfExistsAsync<TableEntity>(Partition, Member));
}
