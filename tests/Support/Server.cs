using System.Net.Sockets;
using System.Text;
using Azure.Core;
using Azure.Data.Tables;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Sessions.LocalHost;
using Sessions.Storage;
using Sessions.Testing;

namespace Sessions.Tests;

/// <summary>The functions in LocalHost's pipeline, on a port of their own, over tables of their own.</summary>
public class Server(AzuriteFixture azurite) : ApiServer
{
    /// <summary>More settings, as command line arguments.</summary>
    protected virtual IEnumerable<string> Settings => [];

    /// <summary>Registers services in place of the app's own.</summary>
    protected virtual void Configure(IServiceCollection services)
    {
    }

    /// <summary>How long a call to storage may be silent; null for as long as in production.</summary>
    protected virtual TimeSpan? NetworkTimeout => null;

    /// <summary>Adds policies to the calls to storage.</summary>
    protected virtual void AddPolicies(TableClientOptions options)
    {
    }

    /// <summary>Whether the queues are there, and their messages are handled.</summary>
    protected virtual bool DeliversEvents => false;

    protected virtual void AddLogging(ILoggingBuilder logging)
    {
    }

    protected virtual ValueTask<string> ConnectAsync() => new(azurite.NextConnectionString());

    private WebApplication? _app;

    public Clock Time { get; } = new();

    public StorageCallRecorder StorageCalls { get; } = new();

    public FaultyTransport Faults { get; private set; } = null!;

    public override Tables Tables => _app!.Services.GetRequiredService<Tables>();

    public override CredentialStore Credentials => _app!.Services.GetRequiredService<CredentialStore>();

    /// <summary>One of the app's services.</summary>
    public T Service<T>()
        where T : notnull
        => _app!.Services.GetRequiredService<T>();

    public string ConnectionString { get; private set; } = "";

    public Uri Url => new(_app!.Urls.First());

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
            options.Transport = Faults = new(options.Transport);
            options.Retry.NetworkTimeout = NetworkTimeout ?? options.Retry.NetworkTimeout;
            return options;
        });
        if (DeliversEvents)
            builder.Services.AddQueuePollers(() => Task.CompletedTask);
        _app = LocalHostProgram.Build(builder);
        _ = Tables; // The faults have to be there.

        // Not with the short time limit of a call: Azurite may be busy with the start of other tests.
        await new Tables(new TableServiceClient(ConnectionString)).CreateAsync(CancellationToken.None);
        if (DeliversEvents)
            await Service<Queues>().CreateAsync(CancellationToken.None);
        await _app.StartAsync();
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

    protected override async Task StopAsync() => await _app!.DisposeAsync();
}
