using System.Net;

namespace Sessions.Tests;

/// <summary>The page at <c>/</c>, and the callers that get its links.</summary>
public sealed class StartPageTests(Server server) : IClassFixture<Server>
{
    private const string Browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";

    [Theory]
    [InlineData("GET", Browser, "text/html; charset=utf-8")]
    [InlineData("HEAD", Browser, "text/html; charset=utf-8")]
    [InlineData("GET", "application/json;q=0.5, text/html", "text/html; charset=utf-8")]
    [InlineData("GET", "application/json, text/html;q=0.5", "application/json")]
    [InlineData("GET", "text/html;q=0", "application/json")]
    [InlineData("GET", "application/json", "application/json")]
    [InlineData("GET", "*/*", "application/json")]
    [InlineData("HEAD", null, "application/json")]
    public async Task A_browser_gets_the_start_page_and_other_clients_get_the_links(string method, string? accept, string type)
    {
        var answer = await SendAsync(method, "/", accept);

        Assert.Equal((HttpStatusCode.OK, type), (answer.Status, answer.ContentHeaders.ContentType?.ToString()));
        Assert.Equal(method == "HEAD", answer.Body.Length == 0);
    }

    [Theory]
    [InlineData("/")]
    [InlineData("/call")]
    [InlineData("/reference/")]
    [InlineData("/docs/api.md")]
    [InlineData("/docs/performance/cpu.svg")]
    public async Task HEAD_returns_the_headers_of_a_page_without_its_body(string path)
    {
        var (get, head) = (await SendAsync("GET", path, Browser), await SendAsync("HEAD", path, Browser));

        Assert.Equal((HttpStatusCode.OK, get.ContentHeaders.ContentType), (head.Status, head.ContentHeaders.ContentType));
        Assert.NotEmpty(get.Body);
        Assert.Empty(head.Body);
    }

    [Theory]
    [InlineData("POST", "/", "GET, HEAD")]
    [InlineData("DELETE", "/", "GET, HEAD")]
    [InlineData("PUT", "/openapi.json", "GET, HEAD")]
    public async Task An_unsupported_method_returns_405_even_to_a_browser(string method, string path, string allow)
    {
        var answer = await SendAsync(method, path, Browser);

        answer.IsError(HttpStatusCode.MethodNotAllowed, $"This path supports only {allow}.");
    }

    [Theory]
    [InlineData("/v1")]
    [InlineData("/v1/accounts/9900000/sessions")]
    [InlineData("/docs/nothing.md")]
    [InlineData("/start.html")]
    public async Task Other_paths_return_JSON_even_to_a_browser(string path)
        => Assert.Equal("application/json", (await SendAsync("GET", path, Browser)).ContentHeaders.ContentType?.ToString());

    [Fact]
    public async Task The_Host_header_is_HTML_encoded_in_the_page()
    {
        var answer = await server.SendRawAsync($"GET / HTTP/1.1\r\nHost: a&b\r\nAccept: {Browser}\r\nConnection: close\r\n\r\n");

        Assert.DoesNotContain("a&b", answer, StringComparison.Ordinal);
    }

    // Without the client that checks the contract, because the page belongs to LocalHost and not to the API.
    private async Task<Answer> SendAsync(string method, string path, string? accept)
    {
        using var http = new HttpClient { BaseAddress = server.Url };
        using var request = new HttpRequestMessage(new(method), path);
        request.Headers.TryAddWithoutValidation("Accept", accept);
        using var response = await http.SendAsync(request);
        return new(response.StatusCode, await response.Content.ReadAsStringAsync(), response.Headers, response.Content.Headers);
    }
}
