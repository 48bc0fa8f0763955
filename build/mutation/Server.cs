using Azure.Data.Tables;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Sessions.LocalHost;
using Sessions.Storage;
using Sessions.Testing;
using Sessions.Tests.Simulation;

[assembly: AssemblyFixture(typeof(Sessions.Tests.AzuriteFixture))]

namespace Sessions.Tests;

/// <summary>In place of the server of the tests: over tables in memory.</summary>
public class Server(AzuriteFixture azurite) : ApiServer
{
    private readonly SimulatedRows _rows = new();
    private readonly Lock _lock = new();
    private WebApplication? _app;
    private long _etags;

    public Clock Time { get; } = new();

    public StorageCallRecorder StorageCalls { get; } = new();

    /// <summary>There is no transport: a test of its faults is skipped.</summary>
    public FaultyTransport Faults
    {
        get
        {
            Assert.Skip("Only Azurite is reached through a transport.");
            return null!;
        }
    }

    public override Tables Tables => _app!.Services.GetRequiredService<Tables>();

    public override CredentialStore Credentials => _app!.Services.GetRequiredService<CredentialStore>();

    public Uri Url => new(_app!.Urls.First());

    protected virtual IEnumerable<string> Settings => [];

    public override async ValueTask InitializeAsync()
    {
        var builder = WebApplication.CreateSlimBuilder(
        [
            "--urls=http://127.0.0.1:0",
            $"--Sessions:StorageConnectionString={await ConnectAsync()}",
            $"--Sessions:TokenSigningKey={TokenSigningKey}",
            .. Settings,
        ]);
        builder.Logging.ClearProviders().AddFilter("Sessions", LogLevel.Trace).AddProvider(CapturedLogs.Provider);
        AddLogging(builder.Logging);
        builder.Services.AddSingleton<TimeProvider>(Time);
        builder.Services.AddSingleton(new Tables(name => new SimulatedTable(name, Answer)));
        Configure(builder.Services);
        _app = LocalHostProgram.Build(builder);
        await _app.StartAsync();
        Http.BaseAddress = Url;
    }

    public override Task WaitAMomentAsync()
    {
        Time.Advance(TimeSpan.FromSeconds(1));
        return Task.CompletedTask;
    }

    public async Task<string> SendRawAsync(string request)
    {
        using var client = new System.Net.Sockets.TcpClient();
        await client.ConnectAsync(Url.Host, Url.Port);
        var stream = client.GetStream();
        await stream.WriteAsync(System.Text.Encoding.ASCII.GetBytes(request));
        using var reader = new StreamReader(stream);
        return await reader.ReadToEndAsync();
    }

    protected virtual void Configure(IServiceCollection services)
    {
    }

    protected virtual void AddPolicies(TableClientOptions options)
    {
    }

    protected virtual void AddLogging(ILoggingBuilder logging)
    {
    }

    protected virtual ValueTask<string> ConnectAsync() => new(azurite.NextConnectionString());

    protected override async Task StopAsync() => await _app!.DisposeAsync();

    private Task<TableAnswer> Answer(TableCall call) => StorageCalls.RecordAsync(() =>
    {
        lock (_lock)
            return _rows.Execute(call, new($"{++_etags}"));
    });
}

/// <summary>No Azurite.</summary>
public sealed class AzuriteFixture
{
    public string NextConnectionString() => "UseDevelopmentStorage=true";
}
