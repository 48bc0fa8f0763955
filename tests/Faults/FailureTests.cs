using System.Net;
using Azure;

namespace Sessions.Tests;

/// <summary>The response when storage fails. It is JSON, contains no internals, and says when to try again.</summary>
public sealed class FailureTests(Server server) : IClassFixture<Server>
{
    private static readonly RequestFailedException Busy = new(503, "internal text", "ServerBusy", null);
    private static readonly RequestFailedException Refused = new(403, "internal text", "AuthorizationFailure", null);
    private static readonly RequestFailedException NoTable = new(404, "internal text", "TableNotFound", null);

    [Theory]
    [InlineData("GET", "/sessions/8f1e0b0a-5c5c-4f6e-9f3f-2f1f6f1d0c11")]
    [InlineData("POST", "/sessions")]
    [InlineData("POST", "/participants")]
    public async Task Busy_storage_causes_a_503_with_Retry_After(string method, string path)
    {
        var account = await server.NewWarmAccountAsync();

        var answer = await WithFaultAsync(Busy, () => account.SendAsync(new(method), path));

        answer.IsError(HttpStatusCode.ServiceUnavailable, "The service is busy. Try again.");
        Assert.Equal("1", answer.Headers.RetryAfter?.ToString());
        Assert.Empty(await account.RowsAsync());
    }

    [Fact]
    public async Task A_failed_credential_lookup_causes_a_503_and_not_a_401()
    {
        var account = await server.NewAccountAsync();

        var answer = await WithFaultAsync(Busy, () => account.PostAsync("/sessions"));

        answer.IsError(HttpStatusCode.ServiceUnavailable, "The service is busy. Try again.");
    }

    [Theory]
    [InlineData("GET", "/sessions/8f1e0b0a-5c5c-4f6e-9f3f-2f1f6f1d0c11")]
    [InlineData("POST", "/sessions")]
    public async Task Storage_that_denies_access_causes_a_500_without_the_reason(string method, string path)
    {
        var account = await server.NewWarmAccountAsync();

        var answer = await WithFaultAsync(Refused, () => account.SendAsync(new(method), path));

        answer.IsError(HttpStatusCode.InternalServerError, "The request failed.");
    }

    [Fact]
    public async Task Health_returns_503_with_the_table_that_cannot_be_read()
    {
        foreach (var (fault, error) in new[]
        {
            (Busy, "The table sessions is busy."),
            (Refused, "The table sessions cannot be read, because storage refuses the key or the identity of the app."),
            (NoTable, "The table sessions is missing."),
        })
        {
            server.Time.Advance(TimeSpan.FromSeconds(2));
            var answer = await WithFaultAsync(fault, async () =>
            {
                using var response = await server.Http.GetAsync("/health");
                return new Answer(response.StatusCode, await response.Content.ReadAsStringAsync(), response.Headers, response.Content.Headers);
            });

            answer.IsError(HttpStatusCode.ServiceUnavailable, error);
        }
    }

    private async Task<Answer> WithFaultAsync(Exception fault, Func<Task<Answer>> action)
    {
        server.StorageCalls.Fault = () => fault;
        try
        {
            return await action();
        }
        finally
        {
            server.StorageCalls.Fault = () => null;
        }
    }
}
