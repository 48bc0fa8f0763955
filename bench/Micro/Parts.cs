using Azure.Data.Tables;
using BenchmarkDotNet.Attributes;
using Microsoft.Azure.Functions.Worker;
using Microsoft.Azure.Functions.Worker.Http;
using Microsoft.Extensions.DependencyInjection;
using Sessions.Http;
using Sessions.LocalHost;
using Sessions.Model;
using Sessions.Security;
using Sessions.Storage;
using Sessions.Testing;

namespace Sessions.Micro;

/// <summary>The parts of a request, compared with one read of the table client.</summary>
[MemoryDiagnoser]
[BenchmarkCategory(nameof(Parts))]
public class Parts : IAsyncDisposable
{
    private static readonly Session Session = new(InMemorySessions.SessionId, "weekly review", []);

    private static readonly Func<Caller> Caller = () => Security.Caller.Parse("127.0.0.1");

    private readonly InMemorySessions _sessions = new();
    private readonly FunctionRouter _emptyFunctions;
    private readonly Authenticator _authenticator;
    private readonly InMemoryRequest _get;
    private readonly InMemoryRequest _put;

    /// <summary>Creates the requests.</summary>
    public Parts()
    {
        _emptyFunctions = new(typeof(Parts).Assembly, _sessions.Services);
        _authenticator = _sessions.Services.GetRequiredService<Authenticator>();
        _get = _sessions.Request("GET", InMemorySessions.SessionPath);
        _put = _sessions.Request("PUT", InMemorySessions.SubscriptionsPath, InMemorySessions.Subscriptions);
    }

    /// <summary>Sends a request, so that the verified credential is cached for longer than a benchmark takes.</summary>
    [GlobalSetup]
    public Task RememberAsync() => _get.SendAsync();

    /// <summary>Reads the header of a session.</summary>
    [Benchmark(Baseline = true)]
    public Task TableClient()
        => _sessions.Tables.Sessions.GetEntityIfExistsAsync<TableEntity>(
            Keys.Partition(InMemorySessions.Account, InMemorySessions.Session), Keys.Header);

    /// <summary>Checks a cached credential.</summary>
    [Benchmark]
    public ValueTask<Authentication> Authentication()
        => _authenticator.AuthenticateAsync(InMemorySessions.Account, InMemorySessions.Authorization, Caller, CancellationToken.None);

    /// <summary>
    /// Runs LocalHost's part of a getSession: finds and calls a function that does nothing, and sends its empty response.
    /// </summary>
    [Benchmark]
    public Task Routing()
    {
        _get.Rewind();
        return _emptyFunctions.InvokeAsync(_get.Http);
    }

    /// <summary>Reads and parses the body of an updateParticipantSubscriptions.</summary>
    [Benchmark]
    public Task<Input<Subscriptions>> Body()
    {
        _put.Rewind();
        return new LocalHttpRequestData(new LocalFunctionContext(_put.Http), _put.Http.Request)
            .ReadJsonAsync(json => Subscriptions.Read(json, InMemorySessions.Session), CancellationToken.None);
    }

    /// <summary>Serializes a session.</summary>
    [Benchmark]
    public Reply Json() => Reply.Ok(Session, WireFormat.Default.Session);

    /// <summary>Stops the in-memory server.</summary>
    [GlobalCleanup]
    public async ValueTask DisposeAsync()
    {
        await _sessions.DisposeAsync();
        GC.SuppressFinalize(this);
    }
}

/// <summary>Functions that do nothing, with the names and routes of those that the router tries up to getSession.</summary>
public sealed class EmptyFunctions
{
    [Function(nameof(AddParticipantToSession))]
    public Task<HttpResponseData> AddParticipantToSession(
        [HttpTrigger(AuthorizationLevel.Anonymous, "put", Route = Routes.SessionParticipant)] HttpRequestData request,
        string accountId, string sessionId, string participantId) => Answer(request);

    [Function(nameof(CreateParticipant))]
    public Task<HttpResponseData> CreateParticipant(
        [HttpTrigger(AuthorizationLevel.Anonymous, "post", Route = Routes.Participants)] HttpRequestData request,
        string accountId) => Answer(request);

    [Function(nameof(CreateSession))]
    public Task<HttpResponseData> CreateSession(
        [HttpTrigger(AuthorizationLevel.Anonymous, "post", Route = Routes.Sessions)] HttpRequestData request,
        string accountId) => Answer(request);

    [Function(nameof(DeleteParticipant))]
    public Task<HttpResponseData> DeleteParticipant(
        [HttpTrigger(AuthorizationLevel.Anonymous, "delete", Route = Routes.Participant)] HttpRequestData request,
        string accountId, string participantId) => Answer(request);

    [Function(nameof(DeleteSession))]
    public Task<HttpResponseData> DeleteSession(
        [HttpTrigger(AuthorizationLevel.Anonymous, "delete", Route = Routes.Session)] HttpRequestData request,
        string accountId, string sessionId) => Answer(request);

    [Function(nameof(GetParticipant))]
    public Task<HttpResponseData> GetParticipant(
        [HttpTrigger(AuthorizationLevel.Anonymous, "get", Route = Routes.Participant)] HttpRequestData request,
        string accountId, string participantId) => Answer(request);

    [Function(nameof(GetParticipantSubscriptions))]
    public Task<HttpResponseData> GetParticipantSubscriptions(
        [HttpTrigger(AuthorizationLevel.Anonymous, "get", Route = Routes.Subscriptions)] HttpRequestData request,
        string accountId, string sessionId, string participantId) => Answer(request);

    [Function(nameof(GetSession))]
    public Task<HttpResponseData> GetSession(
        [HttpTrigger(AuthorizationLevel.Anonymous, "get", Route = Routes.Session)] HttpRequestData request,
        string accountId, string sessionId) => Answer(request);

    private static Task<HttpResponseData> Answer(HttpRequestData request) => Task.FromResult(request.CreateResponse());
}
