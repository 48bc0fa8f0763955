using System.Net;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Sessions.LocalHost;
using Sessions.Model;
using Sessions.Security;
using Sessions.Storage;

namespace Sessions.Testing;

/// <summary>
/// LocalHost without a socket, over an <see cref="InMemoryStorage"/> with a credential, a session and one of its members. All its tasks
/// complete synchronously, so the CPU time and the allocations of a call are those of the caller's thread.
/// </summary>
internal sealed class InMemorySessions : IAsyncDisposable
{
    public const string AccountId = "9900000";
    public const string SessionId = "d036e921-2358-4178-96f7-0e76121503d0";
    public const string ParticipantId = "9ea345a9-6767-402e-b3fb-307344ade1af";
    public const string SessionsPath = $"/v1/accounts/{AccountId}/sessions";
    public const string SessionPath = $"{SessionsPath}/{SessionId}";
    public const string SubscriptionsPath = $"{SessionPath}/participants/{ParticipantId}/subscriptions";

    /// <summary>A request body for createSession.</summary>
    public const string NewSession = """{"tag":"weekly review"}""";

    /// <summary>The stored subscriptions, which are also a request body for updateParticipantSubscriptions.</summary>
    public const string Subscriptions =
        $$"""{"sessionId":"{{SessionId}}","participants":[{"participantId":"5377192a-176e-4359-9d49-9142e3124667","streamAliases":["camera"]}]}""";

    public static readonly AccountId Account = Model.AccountId.Parse(AccountId);
    public static readonly SessionId Session = new(Guid.Parse(SessionId));
    public static readonly ParticipantId Participant = new(Guid.Parse(ParticipantId));

    private const string User = "local";
    private const string Secret = "local";

    private readonly WebApplication _app;

    public InMemorySessions()
    {
        var builder = WebApplication.CreateSlimBuilder(
            ["--Sessions:StorageConnectionString=UseDevelopmentStorage=true", "--Sessions:TokenSigningKey=a key that signs no token that anyone takes"]);
        builder.Logging.ClearProviders();
        builder.Services.AddSingleton(_ =>
        {
            var options = StorageClient.Options();
            options.Transport = Fill(new());
            return options;
        });
        _app = LocalHostProgram.Build(builder);
        Router = new(typeof(ServiceRegistration).Assembly, Services);
    }

    /// <summary>The <c>Authorization</c> header of a user with all permissions.</summary>
    public static string Authorization { get; } = $"Basic {Convert.ToBase64String(Encoding.UTF8.GetBytes($"{User}:{Secret}"))}";

    public IServiceProvider Services => _app.Services;

    public Tables Tables => Services.GetRequiredService<Tables>();

    public FunctionRouter Router { get; }

    /// <summary>A request as an SDK sends it. It can be sent any number of times.</summary>
    public InMemoryRequest Request(string method, string path, string? body = null) => new(Router, Services, method, path, body);

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    private static InMemoryStorage Fill(InMemoryStorage storage)
    {
        var created = DateTimeOffset.UtcNow;
        var expires = created.AddHours(9);
        storage.Add("credentials", new CredentialRow(Account, User, new(BasicCredentials.Hash(Secret), Access.Write), created).ToEntity());
        storage.Add("sessions", new HeaderRow(Session, "weekly review", created, expires).ToEntity(Account));
        var fields = ParticipantFields.Of(Participant, NewParticipant.Default with { PublishPermissions = ["AUDIO", "VIDEO"] });
        var subscriptions = JsonSerializer.Deserialize(Subscriptions, WireFormat.Default.Subscriptions)!;
        storage.Add("sessions", new MemberRow(Participant, fields, subscriptions, created, expires).ToEntity(Account, Session));
        return storage;
    }
}

/// <summary>One request, whose context is reused each time, as Kestrel reuses a connection's context.</summary>
internal sealed class InMemoryRequest
{
    // Can be cancelled, as in Kestrel, but never is.
    private static readonly CancellationTokenSource Aborted = new();

    private readonly FunctionRouter _router;
    private readonly DefaultHttpContext _http;

    public InMemoryRequest(FunctionRouter router, IServiceProvider services, string method, string path, string? body)
    {
        _router = router;
        _http = new() { RequestServices = services, RequestAborted = Aborted.Token };
        _http.Connection.RemoteIpAddress = IPAddress.Loopback;
        var request = _http.Request;
        (request.Method, request.Path) = (method, path);
        (request.Scheme, request.Host, request.Protocol) = ("http", new("localhost", 7071), "HTTP/1.1");
        request.Headers.Authorization = InMemorySessions.Authorization;
        request.Headers.Accept = "application/json, text/plain, */*";
        request.Headers.UserAgent = "axios/0.21.4";
        if (body is not null)
        {
            var bytes = Encoding.UTF8.GetBytes(body);
            request.Body = new MemoryStream(bytes, writable: false);
            request.ContentLength = bytes.Length;
            request.ContentType = "application/json";
        }
    }

    public HttpContext Http => _http;

    /// <summary>Sends the request to the router.</summary>
    /// <exception cref="InvalidOperationException">The response is an error.</exception>
    public async Task SendAsync()
    {
        Rewind();
        await _router.InvokeAsync(_http);
        if (_http.Response.StatusCode >= StatusCodes.Status400BadRequest)
            throw new InvalidOperationException($"{_http.Request.Method} {_http.Request.Path}: {_http.Response.StatusCode}");
    }

    /// <summary>Resets request and response to their initial state.</summary>
    public void Rewind()
    {
        if (_http.Request.Body.CanSeek)
            _http.Request.Body.Position = 0;
        _http.Response.Headers.Clear();
        _http.Response.StatusCode = StatusCodes.Status200OK;
    }
}
