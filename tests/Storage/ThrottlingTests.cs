using System.Net;
using Azure;
using Azure.Core.Pipeline;
using Azure.Data.Tables;
using Sessions.Storage;

namespace Sessions.Tests;

/// <summary>Calls that Table Storage throttles.</summary>
public sealed class ThrottlingTests(Server server) : IClassFixture<Server>
{
    [Theory]
    [InlineData(0, true)]
    [InlineData(408, true)]
    [InlineData(429, true)]
    [InlineData(500, true)]
    [InlineData(503, true)]
    [InlineData(400, false)]
    [InlineData(403, false)]
    [InlineData(404, false)]
    [InlineData(409, false)]
    [InlineData(412, false)]
    public void A_failure_is_transient_if_a_retry_may_succeed(int status, bool isTransient)
        => Assert.Equal(isTransient, StorageFaults.IsTransient(new RequestFailedException(status, "internal text")));

    [Theory]
    [InlineData(429)]
    [InlineData(503)]
    public async Task A_request_with_throttled_storage_calls_returns_503(int status)
    {
        var account = await server.NewWarmAccountAsync();
        foreach (var (method, path) in new[] { (HttpMethod.Get, $"/sessions/{Guid.NewGuid()}"), (HttpMethod.Post, "/sessions") })
        {
            server.StorageCalls.Fault = () => new RequestFailedException(status, "internal text");
            var answer = await account.SendAsync(method, path);
            server.StorageCalls.Fault = () => null;

            answer.IsError(HttpStatusCode.ServiceUnavailable, "The service is busy. Try again.");
        }
    }

    [Theory]
    [InlineData(HttpStatusCode.TooManyRequests)]
    [InlineData(HttpStatusCode.ServiceUnavailable)]
    public async Task A_throttled_read_is_retried(HttpStatusCode status)
    {
        using var storage = new ThrottledOnce(status);

        Assert.Null(await storage.Table.FindAsync("partition", "row", CancellationToken.None));

        Assert.Equal(2, storage.Requests);
    }

    [Theory]
    [InlineData(HttpStatusCode.TooManyRequests)]
    [InlineData(HttpStatusCode.ServiceUnavailable)]
    public async Task A_throttled_write_is_not_retried_by_the_SDK(HttpStatusCode status)
    {
        using var storage = new ThrottledOnce(status);

        var write = await storage.Table.TryAddAsync(new("partition", "row"), CancellationToken.None);

        Assert.Equal((WriteOutcome.Unknown, 1), (write.Outcome, storage.Requests));
    }

    /// <summary>Throttles the first request, and returns no row for all others.</summary>
    private sealed class ThrottledOnce : HttpMessageHandler
    {
        private readonly HttpStatusCode _throttled;

        public ThrottledOnce(HttpStatusCode throttled)
        {
            _throttled = throttled;
            var options = StorageClient.Options();
            options.Transport = new HttpClientTransport(new HttpClient(this));
            Table = new("AccountName=a;AccountKey=c2VjcmV0;TableEndpoint=http://127.0.0.1:1/a", "table", options);
        }

        public TableClient Table { get; }

        public int Requests { get; private set; }

        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
            => Task.FromResult(++Requests == 1
                ? Answer(_throttled, "ServerBusy")
                : Answer(HttpStatusCode.NotFound, "ResourceNotFound"));

        private static HttpResponseMessage Answer(HttpStatusCode status, string code) => new(status)
        {
            Headers = { { "x-ms-error-code", code } },
            Content = new StringContent($$"""{"odata.error": {"code": "{{code}}", "message": {"lang": "en-US", "value": "internal text"} } }"""),
        };
    }
}
