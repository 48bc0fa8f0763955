using System.Net;
using System.Text;
using Azure;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Sessions.LocalHost;
using Sessions.Model;
using Sessions.Security;
using Sessions.Storage;
using Sessions.Tests.Simulation;

namespace Sessions.Tests.Generated;

/// <summary>All functions over tables in memory, without a socket. Fast enough for a hundred thousand requests.</summary>
internal sealed class SimulatedServer : IDisposable
{
    public const string Account = "account";

    private const int Kept = 20;

    private readonly FunctionRouter _router;
    private readonly SimulatedRows _rows = new();
    private readonly ServiceProvider _services;
    private long _writes;

    public SimulatedServer()
    {
        var configuration = new ConfigurationBuilder().AddInMemoryCollection(
        [
            new("Sessions:StorageConnectionString", "UseDevelopmentStorage=true"),
            new("Sessions:TokenSigningKey", Server.TokenSigningKey),
        ]).Build();
        var tables = new Tables(Table);
        _services = new ServiceCollection()
            .AddLogging(logging => logging.SetMinimumLevel(LogLevel.Trace).AddProvider(CapturedLogs.Provider))
            .AddSingleton(tables)
            .AddSessions(configuration)
            .BuildServiceProvider();
        _router = new(typeof(ServiceRegistration).Assembly, _services);
        var credential = new Credential(BasicCredentials.Hash(Server.Secret), Access.Write);
        tables.Credentials.AddEntityAsync(new CredentialRow(AccountId.Parse(Account), "writer", credential, DateTimeOffset.UtcNow).ToEntity())
            .GetAwaiter().GetResult();
    }

    /// <summary>The ids of the sessions that were created, newest first. The first ones most likely still exist.</summary>
    public LinkedList<string> Sessions { get; } = new();

    public LinkedList<string> Participants { get; } = new();

    /// <summary>Sends a request. Also returns the number of rows that it changed.</summary>
    public async Task<(HttpStatusCode Status, string? ContentType, string Body, long Writes)> SendAsync(GeneratedRequest request)
    {
        var before = _writes;
        var http = new DefaultHttpContext { RequestServices = _services };
        http.Request.Method = request.Method;
        http.Request.Scheme = "http";
        http.Request.Host = new("localhost");
        http.Request.Path = PathString.FromUriComponent(request.PathIn(this));
        http.Request.QueryString = new(request.Query);
        foreach (var (name, value) in request.Headers)
            http.Request.Headers.Append(name, value);
        var body = Encoding.Latin1.GetBytes(request.BodyIn(this));
        if (http.Request.Headers.ContentLength is null)
            http.Request.Headers.ContentLength = body.Length;
        http.Request.Body = new MemoryStream(body);
        var answer = new MemoryStream();
        http.Response.Body = answer;

        await _router.InvokeAsync(http);

        var (status, text) = ((HttpStatusCode)http.Response.StatusCode, Encoding.UTF8.GetString(answer.ToArray()));
        if (status == HttpStatusCode.OK && request.Method == "POST")
            Remember(text);
        return (status, http.Response.ContentType, text, _writes - before);
    }

    public void Dispose() => _services.Dispose();

    private void Remember(string body)
    {
        var json = System.Text.Json.JsonElement.Parse(body);
        var made = json.TryGetProperty("participant", out var participant) ? Participants : Sessions;
        made.AddFirst((made == Participants ? participant : json).GetProperty("id").GetString()!);
        if (made.Count > Kept)
            made.RemoveLast();
    }

    private SimulatedTable Table(string name) => new(name, call =>
    {
        var answer = _rows.Execute(call, new ETag($"{_writes}"));
        if (call.IsWrite && answer.Succeeded)
            _writes += call.Changes.Length;
        return Task.FromResult(answer);
    });
}
