using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Sessions.LocalHost;
using Sessions.Storage;

namespace Sessions.Tests;

/// <summary>The functions in LocalHost's pipeline, on a port of their own, over tables of their own.</summary>
public class Server(AzuriteFixture azurite) : IAsyncLifetime
{
    public const string Secret = "s3cret-of-the-writer";
    public const string TokenSigningKey = "the key that signs the tokens of the tests";

    private static int _accounts;

    /// <summary>More settings, as command line arguments.</summary>
    protected virtual IEnumerable<string> Settings => [];

    /// <summary>Registers services in place of the app's own.</summary>
    protected virtual void Configure(IServiceCollection services)
    {
    }

    /// <summary>How long a call to storage may be silent; null for as long as in production.</summary>
    protected virtual TimeSpan? NetworkTimeout => null;

    protected virtual void AddLogging(ILoggingBuilder logging)
    {
    }

    protected virtual ValueTask<string> ConnectAsync() => new(azurite.NextConnectionString());

    private WebApplication? _app;

    public Clock Time { get; } = new();

    public StorageCalls StorageCalls { get; } = new();

    public FaultyTransport Faults { get; private set; } = null!;

    public HttpClient Http { get; } = new(new SocketsHttpHandler { RequestHeaderEncodingSelector = (_, _) => Encoding.UTF8 });

    public Tables Tables => _app!.Services.GetRequiredService<Tables>();

    public string ConnectionString { get; private set; } = "";

    public Uri Url => new(_app!.Urls.First());

    public virtual async ValueTask InitializeAsync()
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
            var options = StorageFaults.ClientOptions();
            options.AddPolicy(StorageCalls, Azure.Core.HttpPipelinePosition.PerRetry);
            options.Transport = Faults = new(options.Transport);
            options.Retry.NetworkTimeout = NetworkTimeout ?? options.Retry.NetworkTimeout;
            return options;
        });
        _app = LocalHostProgram.Build(builder);
        await Tables.CreateAsync(CancellationToken.None);
        await _app.StartAsync();
        Http.BaseAddress = Url;
    }

    /// <summary>An account of its own for a test, with a user who may do everything.</summary>
    public async Task<Account> NewAccountAsync(string? id = null)
    {
        var account = new Account(this, id ?? $"account-{Interlocked.Increment(ref _accounts)}");
        await account.AddUserAsync(Account.Writer, Secret, Access.Write);
        return account;
    }

    /// <summary>The same, and the user's credential is remembered.</summary>
    public async Task<Account> NewWarmAccountAsync()
    {
        var account = await NewAccountAsync();
        await account.GetAsync($"/sessions/{Guid.Empty}");
        return account;
    }

    public CredentialStore Credentials => _app!.Services.GetRequiredService<CredentialStore>();

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        await _app!.DisposeAsync();
        GC.SuppressFinalize(this);
    }
}
