using System.Diagnostics;
using System.Net;
using Azure;
using Azure.Core;
using Sessions.Storage;

namespace Sessions.Tests;

/// <summary>
/// The log entries of requests, and the secrets that must not be logged. The logs of the whole run are searched when it ends.
/// </summary>
public sealed class LogTests(Server server) : IClassFixture<Server>
{
    [Fact]
    public async Task A_failure_is_logged_with_the_request_id_and_without_the_body()
    {
        var account = await server.NewWarmAccountAsync();
        server.StorageCalls.Fault = () => new RequestFailedException(403, "the reason", "AuthorizationFailure", null);

        var answer = await account.PostAsync("/sessions", $$"""{"tag":"{{CapturedLogs.BodyMarker}}"}""");
        server.StorageCalls.Fault = () => null;

        Assert.Equal(HttpStatusCode.InternalServerError, answer.Status);
        var entry = Assert.Single(EntriesOf(answer.RequestId), entry => entry.StartsWith("Error", StringComparison.Ordinal));
        Assert.Contains("the reason", entry, StringComparison.Ordinal);
        CapturedLogs.HoldNoSecret();
    }

    [Fact]
    public async Task Busy_storage_is_logged_as_a_warning_with_the_request_id()
    {
        var account = await server.NewWarmAccountAsync();
        server.StorageCalls.Fault = () => new RequestFailedException(503, "the reason", "ServerBusy", null);

        var answer = await account.PostAsync("/sessions");
        server.StorageCalls.Fault = () => null;

        var entry = Assert.Single(EntriesOf(answer.RequestId), entry => entry.StartsWith("Warning", StringComparison.Ordinal));
        Assert.Contains("the reason", entry, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_rejected_request_is_logged_with_its_reason_unless_it_is_a_401_or_404()
    {
        var account = await server.NewWarmAccountAsync();

        var refused = await account.PostAsync("/sessions", """{"tag":1}""");
        var missing = await account.GetAsync($"/sessions/{Guid.Empty}");
        var unauthorized = await account.SendAsync(HttpMethod.Get, "/sessions", authorization: Account.Basic(Account.Writer, "wrong"));

        Assert.Equal(
            [$"Information Request {refused.RequestId} to CreateSession was refused with 400: tag: expected a string. "], RefusalsOf(refused));
        Assert.Equal((HttpStatusCode.NotFound, HttpStatusCode.Unauthorized), (missing.Status, unauthorized.Status));
        Assert.Empty(RefusalsOf(missing).Concat(RefusalsOf(unauthorized)));

        static IEnumerable<string> RefusalsOf(Answer answer) => EntriesOf(answer.RequestId).Where(entry => entry.Contains("was refused", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(404, "TableNotFound", HttpStatusCode.InternalServerError, "Error", "a table or a queue is missing", "is missing.")]
    [InlineData(403, "AuthorizationPermissionMismatch", HttpStatusCode.InternalServerError, "Error", "storage refuses the key", "cannot be read, because storage refuses the key or the identity of the app.")]
    [InlineData(503, "ServerBusy", HttpStatusCode.ServiceUnavailable, "Warning", "storage is busy", "is busy.")]
    [InlineData(0, null, HttpStatusCode.ServiceUnavailable, "Warning", "storage did not respond in time", "does not respond.")]
    public async Task The_log_distinguishes_a_missing_table_denied_access_and_unavailable_storage(
        int status, string? code, HttpStatusCode answered, string level, string logged, string health)
    {
        var account = await server.NewWarmAccountAsync();
        server.StorageCalls.Fault = () => new RequestFailedException(status, "the reason", code, null);
        server.Time.Advance(TableCheck.Age * 2);

        var answer = await account.PostAsync("/sessions");
        using var check = await server.Http.GetAsync("/health");
        server.StorageCalls.Fault = () => null;

        Assert.Equal(answered, answer.Status);
        var entry = Assert.Single(EntriesOf(answer.RequestId), entry => entry.StartsWith(level, StringComparison.Ordinal));
        Assert.Contains(logged, entry, StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, check.StatusCode);
        var body = System.Text.Json.JsonElement.Parse(await check.Content.ReadAsStringAsync());

        // All tables are read in parallel, and any of them may be the first to fail.
        Assert.Matches($@"^The table \w+ {health}$", body.GetProperty("error").GetString());
        Assert.Contains(EntriesOf(body.GetProperty("requestId").GetString()!), entry => entry.Contains(logged, StringComparison.Ordinal));
        server.Time.Advance(TableCheck.Age * 2);
    }

    [Fact]
    public async Task A_caller_that_disconnects_causes_no_warning()
    {
        var account = await server.NewWarmAccountAsync();
        var trace = ActivityTraceId.CreateRandom().ToHexString();
        using var request = new HttpRequestMessage(HttpMethod.Post, $"{account.Path}/sessions");
        request.Headers.TryAddWithoutValidation("Authorization", Account.Basic(Account.Writer, ApiServer.Secret));
        request.Headers.TryAddWithoutValidation("traceparent", $"00-{trace}-00f067aa0ba902b7-00");
        using var impatience = new CancellationTokenSource();
        server.Faults.Choose = call =>
        {
            impatience.Cancel();
            return call.Method == RequestMethod.Get ? StorageFault.None : StorageFault.ErrorBefore;
        };

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => server.Http.SendAsync(request, impatience.Token));

        using var end = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        while (!EntriesOf(trace).Any(entry => entry.Contains("the caller disconnected", StringComparison.Ordinal)))
            await Task.Delay(10, end.Token);
        server.Faults.Choose = _ => StorageFault.None;
        Assert.DoesNotContain(EntriesOf(trace), entry => entry.StartsWith("Warning", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("""{"tag":"marker-in-a-body"}""")]
    [InlineData("""{"tag":"marker-in-a-body""")]
    [InlineData("""marker-in-a-body""")]
    [InlineData("""{"tag":["marker-in-a-body"],"marker-in-a-body":1}""")]
    [InlineData("""{"callbackUrl":"marker-in-a-body","deviceApiVersion":"marker-in-a-body","publishPermissions":["marker-in-a-body"]}""")]
    public async Task A_body_is_never_logged(string body)
    {
        var account = await server.NewAccountAsync();

        await account.PostAsync("/sessions", body);
        await account.PostAsync("/participants", body);
        await account.SendAsync(HttpMethod.Post, "/sessions", body, authorization: Account.Basic(Account.Writer, Server.Secret + "x"));

        CapturedLogs.HoldNoSecret();
    }

    private static IEnumerable<string> EntriesOf(string requestId)
        => CapturedLogs.All.Where(entry => entry.Contains(requestId, StringComparison.Ordinal));
}
