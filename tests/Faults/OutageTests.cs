using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Sessions.Http;

namespace Sessions.Tests;

/// <summary>
/// A storage outage. A request waits for the end of a short outage, and returns 503 by its deadline in a long one. A caller may also
/// disconnect at any time.
/// </summary>
public sealed class OutageTests
{
    // Longer than any deadline. A request that takes this long hangs.
    private static readonly TimeSpan Hang = TimeSpan.FromSeconds(60);

    private static readonly (string Method, string Path, int Status)[] Requests =
    [
        ("POST", "/sessions", 200),
        ("GET", "/sessions/S", 200),
        ("DELETE", "/sessions/S", 204),
        ("GET", "/sessions/S/participants", 200),
        ("PUT", "/sessions/S/participants/P", 204),
        ("DELETE", "/sessions/S/participants/P", 204),
        ("GET", "/sessions/S/participants/P/subscriptions", 200),
        ("PUT", "/sessions/S/participants/P/subscriptions", 204),
        ("POST", "/participants", 200),
        ("GET", "/participants/P", 200),
        ("DELETE", "/participants/P", 204),
    ];

    /// <summary>Sends every request, each with its own session and participant, while storage fails.</summary>
    /// <param name="server">The server that gets the requests.</param>
    /// <param name="patient">A server over the same tables, which creates the sessions and participants before.</param>
    /// <param name="choose">Chooses the fault of each storage call.</param>
    private static async Task<Answer[]> WithFaultsAsync(Server server, Server patient, Func<StorageFault> choose)
    {
        var prepared = await patient.NewAccountAsync();
        var members = await Task.WhenAll(Requests.Select(_ => prepared.CreateMemberAsync()));
        var account = new Account(server, prepared.Id);

        // Makes the server cache the credential.
        await account.DeleteAsync($"/sessions/{Guid.Empty}");
        server.Faults.Choose = _ => choose();
        var answers = await Task.WhenAll(Requests.Zip(members, (request, member) => account.SendAsync(
            new(request.Method),
            request.Path.Replace("S", member.Session, StringComparison.Ordinal).Replace("P", member.Participant, StringComparison.Ordinal)))).WaitAsync(Hang);
        server.Faults.Choose = _ => StorageFault.None;
        return answers;
    }

    public sealed class ShortOutage(Server server) : IClassFixture<Server>
    {
        [Fact]
        public async Task Every_request_during_an_outage_of_2_seconds_succeeds()
        {
            var outage = new Stopwatch();

            var answers = await WithFaultsAsync(server, server, () =>
            {
                outage.Start();
                return outage.Elapsed < TimeSpan.FromSeconds(2) ? StorageFault.Refused : StorageFault.None;
            });

            Assert.Equal(Requests.Select(request => request.Status), answers.Select(answer => (int)answer.Status));
        }
    }

    public sealed class LongOutage(DeadlineServer server, AzuriteFixture azurite) : IClassFixture<DeadlineServer>
    {
        [Theory]
        [InlineData(StorageFault.Refused)]
        [InlineData(StorageFault.SilentBefore)]
        public async Task Every_request_returns_503_by_its_deadline(StorageFault fault)
        {
            await using var patient = new PatientServer(azurite, server.ConnectionString);
            await patient.InitializeAsync();
            foreach (var answer in await WithFaultsAsync(server, patient, () => fault))
            {
                answer.IsError(HttpStatusCode.ServiceUnavailable, "The service is busy. Try again.");
                Assert.Equal("1", answer.Headers.RetryAfter?.ToString());
            }
        }

        [Fact]
        public async Task A_failed_credential_lookup_causes_a_503_by_the_deadline()
        {
            var account = await server.NewAccountAsync();
            server.Faults.Choose = _ => StorageFault.SilentBefore;

            var answer = await account.GetAsync($"/sessions/{Guid.Empty}").WaitAsync(Hang);

            server.Faults.Choose = _ => StorageFault.None;
            answer.IsError(HttpStatusCode.ServiceUnavailable, "The service is busy. Try again.");
        }

        [Fact]
        public async Task Health_returns_503_by_the_deadline()
        {
            server.Faults.Choose = _ => StorageFault.SilentBefore;

            using var response = await server.Http.GetAsync("/health").WaitAsync(Hang);

            server.Faults.Choose = _ => StorageFault.None;
            Assert.Equal(HttpStatusCode.ServiceUnavailable, response.StatusCode);
        }
    }

    public sealed class Disconnection(LoggedServer server) : IClassFixture<LoggedServer>
    {
        [Fact]
        public async Task A_caller_that_disconnects_before_the_response_or_within_the_body_causes_no_warning()
        {
            var account = await server.NewWarmAccountAsync();
            var called = new TaskCompletionSource();
            server.Faults.Choose = _ =>
            {
                called.TrySetResult();
                return StorageFault.SilentBefore;
            };
            server.Entries.Clear();
            using (var impatience = new CancellationTokenSource())
            {
                var sending = account.SendAsync(HttpMethod.Post, "/sessions", cancellation: impatience.Token);
                await called.Task.WaitAsync(Hang);
                await impatience.CancelAsync();
                await Assert.ThrowsAnyAsync<OperationCanceledException>(() => sending);
            }

            await Eventually.IsAsync(1, () => server.Entries.Count);

            // The server asks for the body and does not get it.
            using (var socket = new Socket(SocketType.Stream, ProtocolType.Tcp))
            {
                await socket.ConnectAsync(server.Url.Host, server.Url.Port);
                await socket.SendAsync(Encoding.UTF8.GetBytes(
                    $"POST {account.Path}/sessions HTTP/1.1\r\nHost: localhost\r\nAuthorization: {Account.Basic(Account.Writer, Server.Secret)}\r\nExpect: 100-continue\r\nContent-Length: 100\r\n\r\n"));
                Assert.NotEqual(0, await socket.ReceiveAsync(new byte[100]).WaitAsync(Hang));
            }

            await Eventually.IsAsync(2, () => server.Entries.Count);
            server.Faults.Choose = _ => StorageFault.None;
            Assert.Equal((LogLevel.Debug, "LogCallerGone"), server.Entries.First());

            // A body that ends early may be noticed before the disconnect, and is then rejected.
            Assert.DoesNotContain(server.Entries, entry => entry.Level > LogLevel.Information);
        }
    }

    /// <summary>A server with a short deadline.</summary>
    public sealed class DeadlineServer(AzuriteFixture azurite) : Server(azurite)
    {
        protected override IEnumerable<string> Settings => ["--Sessions:RequestTimeout=00:00:02"];
    }

    /// <summary>A server with its log.</summary>
    public sealed class LoggedServer(AzuriteFixture azurite) : Server(azurite), ILoggerProvider, ILogger
    {
        public ConcurrentQueue<(LogLevel Level, string? Name)> Entries { get; } = new();

        public ILogger CreateLogger(string categoryName) => categoryName == typeof(RequestPipeline).FullName ? this : NullLogger.Instance;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
            => Entries.Enqueue((logLevel, eventId.Name));

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull
            => null;

        public void Dispose()
        {
        }

        protected override IEnumerable<string> Settings => ["--Logging:LogLevel:Sessions=Debug"];

        protected override void AddLogging(ILoggingBuilder logging) => logging.ClearProviders().AddProvider(this);
    }

    /// <summary>A server over the tables of another one.</summary>
    private sealed class PatientServer(AzuriteFixture azurite, string connectionString) : Server(azurite)
    {
        protected override ValueTask<string> ConnectAsync() => new(connectionString);
    }
}
