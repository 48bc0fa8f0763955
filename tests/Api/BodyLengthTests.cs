using System.Net;
using System.Net.Http.Json;
using System.Text;

namespace Sessions.Tests;

/// <summary>
/// The Functions host drops a body without a length. Such a request is therefore rejected, and a request without a body is not.
/// </summary>
public sealed class BodyLengthTests(Server server) : IClassFixture<Server>
{
    private const string Error = "The body: expected a Content-Length header, and no Transfer-Encoding.";

    [Theory]
    [InlineData("/sessions")]
    [InlineData("/participants")]
    public async Task PostAsJsonAsync_sends_no_length_and_is_rejected(string path)
    {
        var account = await server.NewAccountAsync();

        var answer = await account.ChangesNothingAsync(
            () => SendAsync(account, (http, url) => http.PostAsJsonAsync(url, new { tag = "first" }), path));

        answer.IsError(HttpStatusCode.LengthRequired, Error);
    }

    [Theory]
    [InlineData("")]
    [InlineData("/subscriptions")]
    public async Task PutAsJsonAsync_sends_no_length_and_is_rejected(string suffix)
    {
        var account = await server.NewAccountAsync();
        var (session, participant) = await account.CreateMemberAsync();

        var answer = await account.ChangesNothingAsync(() => SendAsync(
            account, (http, url) => http.PutAsJsonAsync(url, new { sessionId = session }), $"/sessions/{session}/participants/{participant}{suffix}"));

        answer.IsError(HttpStatusCode.LengthRequired, Error);
    }

    [Fact]
    public async Task Buffered_JSON_content_is_accepted()
    {
        var account = await server.NewAccountAsync();
        using var created = JsonContent.Create(new { tag = "first" });
        await created.LoadIntoBufferAsync();

        var session = (await SendAsync(account, (http, url) => http.PostAsync(url, created), "/sessions")).Json;

        Assert.Equal("first", session.GetProperty("tag").GetString());
        var path = $"/sessions/{session.GetProperty("id")}/participants/{await account.CreateParticipantAsync()}";
        var body = $$"""{"sessionId":"{{session.GetProperty("id")}}"}""";
        using var subscriptions = new StringContent(body, Encoding.UTF8, "application/json");
        (await SendAsync(account, (http, url) => http.PutAsync(url, subscriptions), path)).Is(HttpStatusCode.NoContent);
        (await account.GetAsync($"{path}/subscriptions")).Is(HttpStatusCode.OK, body);
    }

    [Theory]
    [InlineData("")]
    [InlineData("Content-Length: 0\r\n")]
    public async Task A_request_without_a_body_is_accepted_with_and_without_a_Content_Length(string header)
    {
        var account = await server.NewAccountAsync();
        var (session, participant) = await account.CreateMemberAsync();
        var member = $"/sessions/{session}/participants/{participant}";
        var authorization = Account.Basic(Account.Writer, ApiServer.Secret);

        foreach (var (method, path, status) in new[]
        {
            ("POST", "/sessions", "200 OK"), ("POST", "/participants", "200 OK"),
            ("PUT", member, "204 No Content"), ("PUT", $"{member}/subscriptions", "204 No Content"),
        })
        {
            var answer = await server.SendRawAsync(
                $"{method} {account.Path}{path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: {authorization}\r\n{header}Connection: close\r\n\r\n");

            Assert.StartsWith($"HTTP/1.1 {status}\r\n", answer, StringComparison.Ordinal);
        }
    }

    private async Task<Answer> SendAsync(Account account, Func<HttpClient, string, Task<HttpResponseMessage>> send, string path)
    {
        using var http = new HttpClient(new ContractHandler(new SocketsHttpHandler())) { BaseAddress = server.Url };
        http.DefaultRequestHeaders.TryAddWithoutValidation("Authorization", Account.Basic(Account.Writer, ApiServer.Secret));
        using var response = await send(http, account.Path + path);
        return new(response.StatusCode, await response.Content.ReadAsStringAsync(), response.Headers, response.Content.Headers);
    }
}
