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

/// <summary>The functions in LocalHost's pipeline, on their own port. The derived classes provide the tables.</summary>
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

    /// <summary>Additional settings, as command line arguments.</summary>
    protected virtual IEnumerable<string> Settings => [];

    /// <summary>Gets one of the app's services.</summary>
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
            var options = PatientStorage.Options();
            options.AddPolicy(StorageCalls, HttpPipelinePosition.PerRetry);
            Configure(options);
            options.Transport = Faults = new(TransportOf(options));
            return options;
        });
        AddStorage(builder.Services);
        _app = LocalHostProgram.Build(builder);
        _ = Tables; // Creates the fault injection.
        await PrepareStorageAsync();
        await _app.StartAsync();

        // The gateway reads the devices that its last run left behind, and no test may count that call.
        await Eventually.IsAsync(true, () => StorageCalls.Count > 0);
        StorageCalls.Clear();
        Http.BaseAddress = Url;
    }

    public override Task WaitAMomentAsync()
    {
        Time.Advance(TimeSpan.FromSeconds(1));
        return Task.CompletedTask;
    }

    /// <summary>Sends these characters on a new connection, and reads until the server closes it.</summary>
    public async Task<string> SendRawAsync(string request)
    {
        using var client = new TcpClient();
        await client.ConnectAsync(Url.Host, Url.Port);
        var stream = client.GetStream();
        await stream.WriteAsync(Encoding.ASCII.GetBytes(request));
        using var reader = new StreamReader(stream);
        return await reader.ReadToEndAsync();
    }

    /// <summary>The connection string of the storage.</summary>
    protected abstract ValueTask<string> ConnectAsync();

    /// <summary>The transport of the storage calls.</summary>
    protected virtual HttpPipelineTransport TransportOf(TableClientOptions options) => options.Transport;

    /// <summary>Registers the storage, and the services that handle its queues.</summary>
    protected virtual void AddStorage(IServiceCollection services)
    {
    }

    /// <summary>Creates the tables before the server starts.</summary>
    protected virtual Task PrepareStorageAsync() => Task.CompletedTask;

    /// <summary>Replaces services of the app.</summary>
    protected virtual void Configure(IServiceCollection services)
    {
    }

    /// <summary>Changes the options of the storage client.</summary>
    protected virtual void Configure(TableClientOptions options)
    {
    }

    protected virtual void AddLogging(ILoggingBuilder logging)
    {
    }

    protected override async Task StopAsync() => await _app!.DisposeAsync();
}
