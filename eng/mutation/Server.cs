using Azure.Core;
using Azure.Data.Tables;
using Azure.Storage.Queues;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Moq;
using Sessions.LocalHost;
using Sessions.Storage;
using Sessions.Testing;

[assembly: AssemblyFixture(typeof(Sessions.Tests.AzuriteFixture))]

namespace Sessions.Tests;

/// <summary>In place of the server of the tests: over tables in memory, and queues that forget each message.</summary>
public class Server(AzuriteFixture azurite) : ApiServer
{
    private readonly SimulatedStorage _storage = new();
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
        builder.Logging.ClearProviders().SetMinimumLevel(LogLevel.Information).AddFilter("Sessions", LogLevel.Trace).AddProvider(CapturedLogs.Provider);
        AddLogging(builder.Logging);
        builder.Services.AddSingleton<TimeProvider>(Time);
        Configure(builder.Services);
        builder.Services.AddSingleton(_ =>
        {
            var options = StorageClient.Options();
            options.AddPolicy(StorageCalls, HttpPipelinePosition.PerRetry);
            AddPolicies(options);
            options.Transport = Faults = new(_storage.Transport);
            options.Retry.NetworkTimeout = NetworkTimeout ?? options.Retry.NetworkTimeout;
            return options;
        });
        builder.Services.AddSingleton(new Queues(() => new Mock<QueueServiceClient> { DefaultValue = DefaultValue.Mock }.Object));
        builder.Services.AddSingleton(services => _storage.Connect(services.GetRequiredService<TableClientOptions>()));
        _app = LocalHostProgram.Build(builder);
        _ = Tables; // The faults have to be there.
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

    /// <summary>How long a call to storage may be silent; null for as long as in production.</summary>
    protected virtual TimeSpan? NetworkTimeout => null;

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
}

/// <summary>No Azurite.</summary>
public sealed class AzuriteFixture
{
    public string NextConnectionString() => "UseDevelopmentStorage=true";
}
