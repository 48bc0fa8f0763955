using System.Net;
using Sessions.Model;
using Sessions.Storage;

namespace Sessions.Tests;

/// <summary>HEAD returns the same response as GET, without the body.</summary>
public sealed class HeadTests(Server server) : IClassFixture<Server>
{
    public static TheoryData<string> Routes => [.. HttpFunction.All.Where(function => function.Methods.Contains("get")).Select(function => function.Route)];

    [Theory]
    [MemberData(nameof(Routes))]
    public async Task HEAD_returns_the_status_and_headers_of_GET_without_the_body(string route)
    {
        var account = await server.NewAccountAsync();
        await new Feeds(server.Tables, server.Time).TurnOnAsync(AccountId.Parse(account.Id), CancellationToken.None);
        var (session, participant) = await account.CreateMemberAsync();
        var isOfOne = route.Contains("{sessionId}", StringComparison.Ordinal) || route.Contains("{participantId}", StringComparison.Ordinal);
        foreach (var (sessionId, participantId) in new[] { (session, participant), ("none", "none") })
        {
            var path = $"/{route}"
                .Replace("{accountId}", account.Id, StringComparison.Ordinal)
                .Replace("{sessionId}", sessionId, StringComparison.Ordinal)
                .Replace("{participantId}", participantId, StringComparison.Ordinal);

            var (get, head) = (await SendAsync(HttpMethod.Get, path), await SendAsync(HttpMethod.Head, path));

            Assert.Equal(sessionId == session || !isOfOne ? HttpStatusCode.OK : HttpStatusCode.NotFound, head.Status);
            Assert.Equal(get.Status, head.Status);
            Assert.NotEmpty(get.Body);
            Assert.Empty(head.Body);
            Assert.Equal(HeadersOf(get), HeadersOf(head));
        }
    }

    [Fact]
    public async Task HEAD_supports_If_None_Match_like_GET()
    {
        var account = await server.NewAccountAsync();
        var path = $"/sessions/{await account.CreateSessionAsync()}";
        var etag = (await account.SendAsync(HttpMethod.Head, path)).Headers.ETag!.ToString();

        (await account.SendAsync(HttpMethod.Head, path, headers: ("If-None-Match", etag))).Is(HttpStatusCode.NotModified);
    }

    // Each response has its own id and time. The Functions host sends no length in response to HEAD.
    private static IEnumerable<string> HeadersOf(Answer answer)
        => answer.Headers.Select(header => (header.Key, header.Value)).Concat(answer.ContentHeaders.Select(header => (header.Key, header.Value)))
            .Where(header => header.Key is not ("X-Request-ID" or "Date" or "Content-Length"))
            .Select(header => $"{header.Key}: {string.Join(',', header.Value)}")
            .Order(StringComparer.Ordinal);

    private async Task<Answer> SendAsync(HttpMethod method, string path)
    {
        using var request = new HttpRequestMessage(method, path);
        request.Headers.TryAddWithoutValidation("Authorization", Account.Basic(Account.Writer, ApiServer.Secret));
        using var response = await server.Http.SendAsync(request);
        return new(response.StatusCode, await response.Content.ReadAsStringAsync(), response.Headers, response.Content.Headers);
    }
}
