using System.Text.Json;
using Azure;
using Azure.Data.Tables;
using BenchmarkDotNet.Attributes;
using Sessions.Model;
using Sessions.Storage;
using Sessions.Testing;

namespace Sessions.Micro;

/// <summary>One request through LocalHost's router with storage in memory, compared with the table client's calls that it needs.</summary>
[MemoryDiagnoser]
public abstract class OperationBenchmark : IAsyncDisposable
{
    private readonly InMemorySessions _sessions = new();
    private readonly InMemoryRequest _request;

    private protected OperationBenchmark(string method, string path, string? body = null) => _request = _sessions.Request(method, path, body);

    private protected static string Partition => Keys.Partition(InMemorySessions.Account, InMemorySessions.Session);

    private protected static string Member => Keys.Member(InMemorySessions.Participant);

    private protected TableClient Table => _sessions.Tables.Sessions;

    /// <summary>Makes only the storage calls, with the app's client options.</summary>
    public abstract Task TableClient();

    /// <summary>Runs the whole request.</summary>
    [Benchmark]
    public Task Request() => _request.SendAsync();

    /// <summary>Stops the in-memory server.</summary>
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
    public override Task TableClient() => Table.GetEntityIfExistsAsync<TableEntity>(Partition, Keys.Header);
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
    private readonly TableEntity _header =
        new HeaderRow(InMemorySessions.Session, "weekly review", DateTimeOffset.UtcNow, DateTimeOffset.UtcNow.AddHours(9)).ToEntity(InMemorySessions.Account);

    /// <inheritdoc/>
    [Benchmark(Baseline = true)]
    public override Task TableClient()
        => Task.WhenAll(Table.AddEntityAsync(_header), Table.AddEntityAsync(IndexRow.Beside(_header).ToEntity()));
}

/// <summary>updateParticipantSubscriptions: one row is written and read, in parallel.</summary>
[BenchmarkCategory(nameof(UpdateParticipantSubscriptions))]
public class UpdateParticipantSubscriptions()
    : OperationBenchmark("PUT", InMemorySessions.SubscriptionsPath, InMemorySessions.Subscriptions)
{
    private readonly TableEntity _change = MemberRow.SubscriptionsChange(
        InMemorySessions.Account,
        InMemorySessions.Session,
        InMemorySessions.Participant,
        JsonSerializer.Deserialize(InMemorySessions.Subscriptions, WireFormat.Default.Subscriptions)!,
        "dc9e21a6-b1c3-47b3-94b4-31c01abea620");

    /// <inheritdoc/>
    [Benchmark(Baseline = true)]
    public override Task TableClient()
        => Task.WhenAll(
            Table.UpdateEntityAsync(_change, ETag.All, TableUpdateMode.Merge),
            Table.GetEntityIfExistsAsync<TableEntity>(Partition, Member));
}
