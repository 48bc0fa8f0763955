using System.Net;
using Azure;

namespace Sessions.Tests;

/// <summary>What is logged, and what is never. The logs of the whole run are looked through when it ends.</summary>
public sealed class LogTests(Server server) : IClassFixture<Server>
{
    [Fact]
    public async Task A_failure_is_logged_under_the_request_id_and_without_the_body()
    {
        var account = await server.NewWarmAccountAsync();
        server.StorageCalls.Fault = new RequestFailedException(403, "the reason", "AuthorizationFailure", null);

        var answer = await account.PostAsync("/sessions", $$"""{"tag":"{{CapturedLogs.BodyMarker}}"}""");
        server.StorageCalls.Fault = null;

        Assert.Equal(HttpStatusCode.InternalServerError, answer.Status);
        var entry = Assert.Single(CapturedLogs.All, entry => entry.Contains(answer.RequestId, StringComparison.Ordinal) && entry.StartsWith("Error", StringComparison.Ordinal));
        Assert.Contains("the reason", entry, StringComparison.Ordinal);
        CapturedLogs.HoldNoSecret();
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
}
