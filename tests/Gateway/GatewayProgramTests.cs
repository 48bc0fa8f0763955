using System.Net;
using System.Net.Sockets;
using System.Net.WebSockets;
using Azure.Data.Tables;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Sessions.Gateway;
using Sessions.Model;
using Sessions.Security;
using Sessions.Storage;

namespace Sessions.Tests.Gateway;

/// <summary>The gateway as a separate program.</summary>
public sealed class GatewayProgramTests(AzuriteFixture azurite)
{
    private const string Storage = "UseDevelopmentStorage=true";

    private async Task<(WebApplication App, FaultyTransport Faults)> StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder(
        [
            "--urls=http://127.0.0.1:0",
            $"--Sessions:StorageConnectionString={azurite.NextConnectionString()}",
            $"--Sessions:TokenSigningKey={ApiServer.TokenSigningKey}",
        ]);
        builder.Logging.ClearProviders().AddProvider(CapturedLogs.Provider).AddFilter("Microsoft", LogLevel.Warning);
        FaultyTransport? faults = null;
        builder.Services.AddSingleton(_ =>
        {
            var options = PatientStorage.Options();
            options.Transport = faults = new(options.Transport);
            return options;
        });
        var app = GatewayProgram.Build(builder);
        var tables = app.Services.GetRequiredService<Tables>();
        await tables.CreateAsync(CancellationToken.None);
        await app.StartAsync();
        return (app, faults!);
    }

    private static async Task<string> CreateTokenAsync(WebApplication app)
    {
        var options = app.Services.GetRequiredService<SessionsOptions>();
        var participants = new ParticipantStore(app.Services.GetRequiredService<Tables>(), options, TimeProvider.System, EventQueue.None);
        var account = AccountId.Parse("account");
        var (_, participant, expires) = await participants.CreateAsync(account, NewParticipant.Default, null, CancellationToken.None);
        return app.Services.GetRequiredService<ParticipantTokens>().Create(account, participant!, expires);
    }

    [Fact]
    public async Task The_gateway_is_healthy_only_while_storage_responds()
    {
        var (app, faults) = await StartAsync();
        await using var _ = app;
        using var http = new HttpClient { BaseAddress = new(app.Urls.First()) };
        async Task<HttpStatusCode> StatusAsync() => (await http.GetAsync(new Uri("/health", UriKind.Relative))).StatusCode;

        Assert.Equal(HttpStatusCode.OK, await StatusAsync());
        faults.Choose = _ => StorageFault.Refused;
        await Task.Delay(TableCheck.Age + TimeSpan.FromMilliseconds(100));
        Assert.Equal(HttpStatusCode.ServiceUnavailable, await StatusAsync());
        Assert.Equal(HttpStatusCode.NotFound, (await http.GetAsync(new Uri("/", UriKind.Relative))).StatusCode);
    }

    [Fact]
    public async Task A_stopping_gateway_closes_devices_with_1012_and_records_them_as_disconnected()
    {
        var (app, _) = await StartAsync();
        await using var _1 = app;
        await using var device = await TestDevice.ConnectAsync(new(app.Urls.First()), await CreateTokenAsync(app));
        await device.CallAsync("ping");

        await app.StopAsync().WaitAsync(TestDevice.Limit);

        Assert.Equal((WebSocketCloseStatus)1012, await device.Closed);
        var events = await app.Services.GetRequiredService<Tables>().Participants.QueryAsync<TableEntity>("RowKey gt 'event:000000000000'").ToListAsync();
        Assert.Equal(
            ["participant.connected", "participant.disconnected"],
            events.Where(row => row.RowKey.StartsWith("event:", StringComparison.Ordinal)).Select(row => EventRow.From(row).Events[0].Type));
    }

    [Fact]
    public async Task A_server_that_cannot_start_does_not_report_its_services_as_failed()
    {
        using var listener = new System.Net.Sockets.TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var logs = new FailureLog();
        var builder = ConsoleServer.CreateBuilder([$"--urls=http://{listener.LocalEndpoint}"], "http://localhost:1");
        builder.Logging.ClearProviders().AddProvider(logs);
        builder.Services.AddHostedService<WaitingService>();
        await using (var app = builder.Build())
            await Assert.ThrowsAsync<GatewayException>(() => ConsoleServer.StartAsync(app));

        Assert.Empty(logs.Failures);
    }

    [Fact]
    public void Every_invalid_setting_is_reported_at_once_in_one_line_each()
    {
        var builder = WebApplication.CreateSlimBuilder(
        [
            "--Sessions:StorageConnectionString=no storage",
            "--Sessions:TokenSigningKey=short",
            "--Gateway:PublicAddresses=203.0.113.7,example.com",
            "--Gateway:MediaPort=70000",
            "--Gateway:Name=no name",
            "--Gateway:DevicesPerParticipant=0",
            "--Gateway:DevicesPerAccount=x",
            "--Gateway:HandshakesPerSecond=-1",
            "--Gateway:FailedTokensPerSecond=1.5",
            "--Gateway:MediaPrt=7072",
        ]);

        var mistakes = Assert.Throws<InvalidConfigurationException>(() => GatewayProgram.Build(builder)).Message.Split('\n');

        Assert.Equal(
            [
                "--Gateway:MediaPrt",
                "--Sessions:StorageConnectionString",
                "--Sessions:TokenSigningKey",
                "--Gateway:PublicAddresses",
                "--Gateway:MediaPort",
                "--Gateway:Name",
                "--Gateway:DevicesPerParticipant",
                "--Gateway:DevicesPerAccount",
                "--Gateway:HandshakesPerSecond",
                "--Gateway:FailedTokensPerSecond",
            ],
            mistakes.Select(mistake => string.Join(':', mistake.Split(':')[..2])));
    }

    [Theory]
    [InlineData("203.0.113.7", true)]
    [InlineData("203.0.113.7, 2001:db8::7", true)]
    [InlineData("127.0.0.1", true)]
    [InlineData("203.0.113.7,", false)]
    [InlineData("203.0.113", false)]
    [InlineData("203.0.113.7:7072", false)]
    [InlineData("0.0.0.0", false)]
    [InlineData("::", false)]
    [InlineData("7", false)]
    public void Public_addresses_must_be_reachable_IP_addresses(string text, bool isValid)
    {
        var configuration = new ConfigurationManager { ["Gateway:PublicAddresses"] = text };

        if (isValid)
            Assert.Equal(text.Split(',').Select(entry => IPAddress.Parse(entry.Trim())), GatewayOptions.Read(configuration).PublicAddresses);
        else
            Assert.Throws<InvalidConfigurationException>(() => GatewayOptions.Read(configuration));
    }

    [Fact]
    public void The_defaults_are_the_addresses_of_this_machine_and_port_7072()
    {
        var options = GatewayOptions.Read(new ConfigurationManager());

        Assert.NotEmpty(options.PublicAddresses);
        Assert.Equal(7072, options.MediaPort);
        Assert.Equal(new Limits(), options.Limits);
    }

    [Fact]
    public async Task An_address_in_use_is_reported_with_its_setting()
    {
        using var taken = new TcpListener(IPAddress.Loopback, 0);
        taken.Start();
        var url = $"http://{taken.LocalEndpoint}";

        var failure = await Assert.ThrowsAsync<GatewayException>(() => GatewayProgram.RunAsync(
            [$"--urls={url}", $"--Sessions:StorageConnectionString={Storage}", $"--Sessions:TokenSigningKey={ApiServer.TokenSigningKey}"]));

        Assert.Contains(url, failure.Message, StringComparison.Ordinal);
        Assert.Contains("--urls", failure.Message, StringComparison.Ordinal);
    }

    /// <summary>Ends like .NET's own background services, with an exception when it is cancelled.</summary>
    private sealed class WaitingService : Microsoft.Extensions.Hosting.BackgroundService
    {
        protected override Task ExecuteAsync(CancellationToken stoppingToken) => Task.Delay(Timeout.Infinite, stoppingToken);
    }

    private sealed class FailureLog : ILoggerProvider, ILogger
    {
        public System.Collections.Concurrent.ConcurrentQueue<string> Failures { get; } = [];

        public ILogger CreateLogger(string categoryName) => this;

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull
            => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel == LogLevel.Critical;

        public void Log<TState>(LogLevel logLevel, Microsoft.Extensions.Logging.EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (logLevel == LogLevel.Critical)
                Failures.Enqueue($"{formatter(state, exception)} {exception}");
        }

        public void Dispose()
        {
        }
    }
}
