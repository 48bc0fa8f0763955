using System.Net;
using System.Net.NetworkInformation;
using Azure;
using Azure.Data.Tables;
using Azure.Storage.Queues;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Moq;
using Sessions.LocalHost;
using Sessions.Storage;

namespace Sessions.Tests;

/// <summary>The storage and files that LocalHost prepares, and who can access them.</summary>
public sealed class LocalStorageTests(AzuriteFixture azurite)
{
    [Theory]
    [InlineData("https://account.table.core.windows.net", false)]
    [InlineData("http://192.168.0.1:10002/devstoreaccount1", false)]
    [InlineData("http://127.0.0.1:10002/devstoreaccount1", true)]
    [InlineData("http://localhost:10002/devstoreaccount1", true)]
    public async Task The_default_credential_is_created_only_in_storage_on_this_machine(string endpoint, bool isMade)
    {
        Dictionary<string, Mock<TableClient>> tables = new() { ["sessions"] = new(), ["participants"] = new(), ["credentials"] = new(), ["events"] = new() };
        tables["credentials"]
            .Setup(table => table.GetEntityIfExistsAsync<TableEntity>(
                It.IsAny<string>(), It.IsAny<string>(), It.IsAny<IEnumerable<string>>(), It.IsAny<CancellationToken>()))
            .ThrowsAsync(new RequestFailedException(404, "There is no such table.", "TableNotFound", null));
        var storage = new Mock<TableServiceClient>();
        storage.Setup(service => service.Uri).Returns(new Uri(endpoint));
        storage.Setup(service => service.GetTableClient(It.IsAny<string>())).Returns((string name) => tables[name].Object);
        var queues = new Mock<QueueServiceClient>();
        queues.Setup(service => service.GetQueueClient(It.IsAny<string>())).Returns(new Mock<QueueClient>().Object);
        await using var services = new ServiceCollection()
            .AddSingleton(storage.Object)
            .AddSingleton(new Queues(() => queues.Object))
            .AddSingleton<Feeds>()
            .AddSingleton(new Tables(storage.Object))
            .AddSingleton<CredentialStore>()
            .AddSingleton(TimeProvider.System)
            .BuildServiceProvider();

        await LocalStorage.PrepareAsync(services);

        Assert.All(tables.Values, table => table.Verify(one => one.CreateIfNotExistsAsync(It.IsAny<CancellationToken>()), Times.Once));
        Assert.Equal(
            isMade ? ["9900000"] : [],
            tables["credentials"].Invocations.SelectMany(call => call.Arguments).OfType<TableEntity>().Select(row => row.PartitionKey).Distinct());
    }

    [Fact]
    public async Task A_custom_credential_removes_the_default_one()
    {
        await using var services = new ServiceCollection()
            .AddSingleton(new TableServiceClient(ConnectionString))
            .AddSingleton(provider => new Tables(provider.GetRequiredService<TableServiceClient>()))
            .AddSingleton(provider => new Queues(() => new QueueServiceClient(ConnectionString)))
            .AddSingleton<Feeds>()
            .AddSingleton<CredentialStore>()
            .AddSingleton(TimeProvider.System)
            .AddSingleton(new LocalAccessHolder())
            .AddTransient(provider => provider.GetRequiredService<LocalAccessHolder>().Access)
            .BuildServiceProvider();
        await LocalStorage.PrepareAsync(services);
        Assert.Equal(["local"], await UsersAsync());

        services.GetRequiredService<LocalAccessHolder>().Access = new("ann", "of my own", IsOpenToNetwork: false);
        await LocalStorage.PrepareAsync(services);
        await LocalStorage.PrepareAsync(services);

        Assert.Equal(["ann"], await UsersAsync());

        async Task<string[]> UsersAsync() => await services.GetRequiredService<CredentialStore>()
            .ListAsync(Model.AccountId.Parse("9900000"), CancellationToken.None).Select(user => user.Name).ToArrayAsync();
    }

    [Fact]
    public void The_signing_key_is_generated_once_and_kept_across_restarts()
    {
        var folder = NewFolder();

        var first = SigningKey(folder);

        Assert.Matches("^[0-9A-F]{64}$", first);
        Assert.Equal(first, SigningKey(folder));
        Assert.NotEqual(first, SigningKey(NewFolder()));
    }

    [Fact]
    public void A_configured_signing_key_is_used_and_none_is_generated()
    {
        var folder = NewFolder();

        Assert.Equal(Server.TokenSigningKey, SigningKey(folder, Server.TokenSigningKey));
        Assert.False(Directory.Exists(folder));
    }

    [Fact]
    public async Task A_request_that_arrives_before_storage_is_ready_waits_for_it()
    {
        var callsToStorage = 0;
        int? callsBeforeItIsReady = null;
        var requests = new FirstRequest();
        var builder = WebApplication.CreateSlimBuilder(
        [
            "--urls=http://127.0.0.1:0",
            $"--Sessions:StorageConnectionString={azurite.NextConnectionString()}",
            $"--Sessions:TokenSigningKey={Server.TokenSigningKey}",
        ]);
        builder.Logging.ClearProviders();
        builder.Services.AddSingleton<IStartupFilter>(requests);
        builder.Services.AddSingleton(_ =>
        {
            var options = PatientStorage.Options();
            options.Transport = new FaultyTransport(options.Transport)
            {
                Choose = request =>
                {
                    // The gateway always reads the list of devices that its last run left behind.
                    if (!request.Uri.Query.Contains("gateway", StringComparison.Ordinal))
                        Interlocked.Increment(ref callsToStorage);
                    return StorageFault.None;
                },
            };
            return options;
        });
        await using var app = LocalHostProgram.Build(builder, async services =>
        {
            await requests.HasCome;
            callsBeforeItIsReady = callsToStorage;
            await LocalStorage.PrepareAsync(services);
        });
        await app.StartAsync();
        using var http = new HttpClient { BaseAddress = new(app.Urls.First()) };
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/accounts/9900000/sessions");
        request.Headers.TryAddWithoutValidation("Authorization", Account.Basic("local", "local"));

        using var response = await http.SendAsync(request);

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal(0, callsBeforeItIsReady);
    }

    [Fact]
    public void Azurite_listens_on_loopback_only()
    {
        var endpoint = new Uri(azurite.NextConnectionString().Split("TableEndpoint=")[1].TrimEnd(';'));

        var listeners = IPGlobalProperties.GetIPGlobalProperties().GetActiveTcpListeners();

        Assert.Equal([new IPEndPoint(IPAddress.Loopback, endpoint.Port)], listeners.Where(listener => listener.Port == endpoint.Port));
    }

    private string ConnectionString { get; } = azurite.NextConnectionString();

    /// <summary>The path of a folder that does not exist yet.</summary>
    private static string NewFolder() => Path.Combine(Directory.CreateTempSubdirectory("sessions-").FullName, "data");

    private static string? SigningKey(string folder, string? configured = null)
    {
        using var configuration = new ConfigurationManager();
        configuration["Sessions:TokenSigningKey"] = configured;
        LocalStorage.ProvideTokenSigningKey(configuration, folder);
        return configuration["Sessions:TokenSigningKey"];
    }

    private sealed class LocalAccessHolder
    {
        public LocalAccess Access { get; set; } = LocalAccess.Known;
    }

    /// <summary>Observes the app's handling of the first request until its first wait.</summary>
    private sealed class FirstRequest : IStartupFilter
    {
        private readonly TaskCompletionSource _hasCome = new();

        /// <summary>Completes when the app first waits, or has responded to the first request.</summary>
        public Task HasCome => _hasCome.Task;

        public Action<IApplicationBuilder> Configure(Action<IApplicationBuilder> next) => app =>
        {
            app.Use(async (http, answer) =>
            {
                var answering = answer(http);
                _hasCome.TrySetResult();
                await answering;
            });
            next(app);
        };
    }
}
