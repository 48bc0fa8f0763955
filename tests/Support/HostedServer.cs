using System.Net.Sockets;
using System.Text;
using Azure.Core;
using Azure.Core.Pipeline;
using Azure.Data.Tables;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Sessions.LocalHost;
using Sessions.Storage;
using Sessions.Testing;

namespace Sessions.Tests;

/// <summary>The functions in LocalHost's pipeline, on a port of their own. Where their tables are, the derived classes say.</summary>
public abstract class HostedServer : ApiServer
{
    private WebApplication? _app;

    public Clock Time { get; } = new();

    public StorageCallRecorder StorageCalls { get; } = new();

    public FaultyTransport Faults { get; private set; } = null!;

    public override Tables Tables => _app!.Services.GetRequiredService<Tables>();

    public override CredentialStore Credentials => _app!.Services.GetRequiredService<CredentialStore>();

    public string ConnectionString { get; private set; } = "";

    public Uri Url => new(_app!.Urls.First());

    /// <summary>More settings, as command line arguments.</summary>
    protected virtual IEnumerable<string> Settings => [];

    /// <summary>How long a call to storage may be silent; null for as long as in production.</summary>
    protected virtual TimeSpan? NetworkTimeout => null;

    /// <summary>One of the app's services.</summary>
    public T Service<T>()
        where T : notnull
        => _app!.Services.GetRequiredService<T>();

    public override async ValueTask InitializeAsync()
    {
        ConnectionString = await ConnectAsync();
        var builder = WebApplication.CreateSlimBuilder(
        [
            "--urls=http://127.0.0.1:0",
            $"--Sessions:StorageConnectionString={ConnectionString}",
            $"--Sessions:TokenSigningKey={TokenSigningKey}",
            .. Settings,
        ]);
        builder.Logging.ClearProviders().SetMinimumLevel(LogLevel.Information).AddFilter("Sessions", LogLevel.Trace).AddProvider(CapturedLogs.Provider);
        AddLogging(builder.Logging);
        builder.Services.AddSingleton<TimeProvider>(Time);
        Configure(builder.Services);
        builder.Services.AddSingleton(_ =>
        {
            var options = StorageClient.Options();
            options.AddPolicy(StorageCalls, HttpPipelinePosition.PerRetry);
            AddPolicies(options);
            options.Transport = Faults = new(TransportOf(options));
            options.Retry.NetworkTimeout = NetworkTimeout ?? options.Retry.NetworkTimeout;
            return options;
        });
        AddStorage(builder.Services);
        _app = LocalHostProgram.Build(builder);
        _ = Tables; // The faults have to be there.
        await PrepareStorageAsync();
        await _app.StartAsync();

        // The gateway looks for the devices that its last run left behind: no test is to count that call as its own.
        await Eventually.IsAsync(true, () => StorageCalls.Count > 0);
        StorageCalls.Clear();
        Http.BaseAddress = Url;
    }

    public override Task WaitAMomentAsync()
    {
        Time.Advance(TimeSpan.FromSeconds(1));
        return Task.CompletedTask;
    }

    /// <summary>Sends these characters on a connection of their own, and reads until the server closes it.</summary>
    public async Task<string> SendRawAsync(string request)
    {
        using var client = new TcpClient();
        await client.ConnectAsync(Url.Host, Url.Port);
        var stream = client.GetStream();
        await stream.WriteAsync(Encoding.ASCII.GetBytes(request));
        using var reader = new StreamReader(stream);
        return await reader.ReadToEndAsync();
    }

    /// <summary>The storage, as a connection string.</summary>
    protected abstract ValueTask<string> ConnectAsync();

    /// <summary>What carries the calls to storage.</summary>
    protected virtual HttpPipelineTransport TransportOf(TableClientOptions options) => options.Transport;

    /// <summary>Registers what stands for storage, and what runs on its queues.</summary>
    protected virtual void AddStorage(IServiceCollection services)
    {
    }

    /// <summary>Makes the tables before the server starts.</summary>
    protected virtual Task PrepareStorageAsync() => Task.CompletedTask;

    /// <summary>Registers services in place of the app's own.</summary>
    protected virtual void Configure(IServiceCollection services)
    {
    }

    /// <summary>Adds policies to the calls to storage.</summary>
    protected virtual void AddPolicies(TableClientOptions options)
    {
    }

    protected virtual void AddLogging(ILoggingBuilder logging)
    {
    }

    protected override async Task StopAsync() => await _app!.DisposeAsync();
}
