using System.Diagnostics.Metrics;
using Azure.Core;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Sessions.Bench;
using Sessions.LocalHost;
using Sessions.Storage;
using Sessions.Testing;

namespace Sessions.Growth;

/// <summary>The resources that have been used so far.</summary>
internal sealed record Usage(TimeSpan CpuTime = default, long StorageCalls = 0, long StorageBytes = 0);

/// <summary>Runs LocalHost's functions in this process, and counts their storage calls and retries.</summary>
internal sealed class CountedServer : IAsyncDisposable
{
    public const string TokenSigningKey = "the key that signs the tokens of the benchmarks";

    private readonly WebApplication _app;
    private readonly StorageCallRecorder _storageCalls;
    private readonly MeterListener _meter = new();
    private long _conflictsRetried;

    private CountedServer(WebApplication app, StorageCallRecorder storageCalls)
    {
        _app = app;
        _storageCalls = storageCalls;
        _meter.InstrumentPublished = (instrument, listener) =>
        {
            if (instrument.Meter.Name == Telemetry.Name && instrument.Name == "sessions.conflicts.retried")
                listener.EnableMeasurementEvents(instrument);
        };
        _meter.SetMeasurementEventCallback<long>((_, retries, _, _) => Interlocked.Add(ref _conflictsRetried, retries));
        _meter.Start();
    }

    public HttpLoad Http { get; } = new();

    public Uri Url => new(_app.Urls.First());

    /// <summary>The storage calls and their bytes so far.</summary>
    public Usage Usage() => new(StorageCalls: _storageCalls.Count, StorageBytes: _storageCalls.Bytes.Total);

    /// <summary>The number of retries so far, on all servers of this process.</summary>
    public long ConflictsRetried => Interlocked.Read(ref _conflictsRetried);

    /// <summary>Starts a server on tables that already exist.</summary>
    public static async Task<CountedServer> StartAsync(string connectionString)
    {
        var storageCalls = new StorageCallRecorder();
        var builder = WebApplication.CreateSlimBuilder(
        [
            "--urls=http://127.0.0.1:0",
            "--Gateway:MediaPort=0",
            $"--Sessions:StorageConnectionString={connectionString}",
            $"--Sessions:TokenSigningKey={TokenSigningKey}",
        ]);
        builder.Logging.ClearProviders();
        builder.Services.AddSingleton(_ =>
        {
            var options = StorageClient.Options();
            options.AddPolicy(storageCalls, HttpPipelinePosition.PerRetry);
            return options;
        });
        var app = LocalHostProgram.Build(builder);
        await app.StartAsync();
        return new(app, storageCalls);
    }

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        _meter.Dispose();
        await _app.DisposeAsync();
    }
}
