using System.Net;
using System.Text.Json;

namespace Sessions.Tests;

/// <summary>The lists of an account's sessions and participants.</summary>
public sealed class ListTests(Server server, AzuriteFixture azurite) : IClassFixture<Server>
{
    [Theory]
    [InlineData("/sessions")]
    [InlineData("/participants")]
    public async Task Pages_list_every_resource_in_order_of_creation(string path)
    {
        var account = await server.NewAccountAsync();
        List<string> created = [];
        for (var number = 0; number < 7; number++)
            created.Add(await CreateAsync(account, path));

        List<string> found = [];
        var (sizes, next) = (new List<int>(), $"{path}?limit=3");
        while (next is not null)
        {
            (var ids, next) = await ReadAsync(account, next);
            (found, sizes) = ([.. found, .. ids], [.. sizes, ids.Count]);

            // A resource that is created between two pages is at the end.
            if (sizes.Count == 1)
                created.Add(await CreateAsync(account, path));
        }

        Assert.Equal(created, found);
        Assert.Equal([3, 3, 2], sizes);
    }

    [Fact]
    public async Task A_listed_session_has_its_tag_and_its_participants()
    {
        var account = await server.NewAccountAsync();
        Assert.Equal("[]", (await account.GetAsync("/sessions")).Body);
        var session = await account.CreateSessionAsync("""{"tag":"standup"}""");
        var participant = await account.CreateParticipantAsync();
        await account.JoinAsync(session, participant);

        (await account.GetAsync("/sessions")).Is(HttpStatusCode.OK, $$"""[{"id":"{{session}}","tag":"standup","participant_ids":["{{participant}}"]}]""");
    }

    [Fact]
    public async Task A_listed_participant_has_the_fields_it_was_created_with()
    {
        var account = await server.NewAccountAsync();
        Assert.Equal("[]", (await account.GetAsync("/participants")).Body);
        var participant = await account.CreateParticipantAsync("""{"tag":"ann","publishPermissions":["AUDIO"],"callbackUrl":"https://example.com"}""");

        (await account.GetAsync("/participants")).Is(
            HttpStatusCode.OK,
            $$"""[{"id":"{{participant}}","callbackUrl":"https://example.com","publishPermissions":["AUDIO"],"tag":"ann","deviceApiVersion":"V3"}]""");
    }

    [Theory]
    [InlineData("/sessions")]
    [InlineData("/participants")]
    public async Task Deleted_and_expired_resources_are_not_listed(string path)
    {
        await using var own = new Server(azurite);
        await own.InitializeAsync();
        var account = await own.NewAccountAsync();
        await CreateAsync(account, path, own);
        own.Time.Advance(TimeSpan.FromHours(8));
        var (living, deleted) = (await CreateAsync(account, path, own), await CreateAsync(account, path, own));
        await account.DeleteAsync($"{path}/{deleted}");
        own.Time.Advance(TimeSpan.FromHours(2));

        Assert.Equal([living], (await ReadAsync(account, path)).Ids);
    }

    [Theory]
    [InlineData("/sessions")]
    [InlineData("/participants")]
    public async Task Resources_of_another_account_are_not_listed(string path)
    {
        var (one, other) = (await server.NewAccountAsync("list"), await server.NewAccountAsync("list-1"));
        var (first, second) = (await CreateAsync(one, path), await CreateAsync(other, path));

        Assert.Equal([first], (await ReadAsync(one, path)).Ids);
        Assert.Equal([second], (await ReadAsync(other, path)).Ids);
    }

    [Theory]
    [InlineData("tag=team", "team")]
    [InlineData("tag=Team", "Team")]
    [InlineData("tag=it%27s", "it's")]
    [InlineData("tag=a%26b%3D%25", "a&b=%")]
    [InlineData("tag=%F0%9F%98%80", "😀")]
    [InlineData("tag=none")]
    [InlineData("tag=")]
    [InlineData("tagPrefix=team", "team", "team 1", "team's", "team😀", "teams")]
    [InlineData("tagPrefix=team%20", "team 1")]
    [InlineData("tagPrefix=it%27", "it's")]
    [InlineData("tagPrefix=%F0%9F%98%80", "😀", "😀😀")]
    [InlineData("tagPrefix=z%ED%9F%BF", "z\ud7ff")]
    [InlineData("tagPrefix=x")]
    public async Task Resources_are_found_by_tag_or_by_tag_prefix(string query, params string[] expected)
    {
        var account = await server.NewAccountAsync();
        foreach (var tag in new[] { "team", "Team", "team 1", "team's", "team😀", "teams", "tea", "it's", "a&b=%", "😀", "😀😀", "😁", "z\ud7ff", "z\ue000" })
        {
            var body = JsonSerializer.Serialize(new { tag });
            await account.CreateSessionAsync(body);
            await account.CreateParticipantAsync(body);
        }

        await account.CreateSessionAsync();
        foreach (var path in new[] { "/sessions", "/participants" })
        {
            var found = await account.GetAsync($"{path}?{query}");
            Assert.Equal(expected.Order(StringComparer.Ordinal), found.Json.EnumerateArray().Select(one => one.GetProperty("tag").GetString()!).Order(StringComparer.Ordinal));
        }
    }

    [Fact]
    public async Task The_link_to_the_next_page_keeps_the_query_parameters()
    {
        var account = await server.NewAccountAsync();
        for (var number = 0; number < 3; number++)
        {
            await CreateAsync(account, "/sessions", body: """{"tag":"a b&c"}""");
            await CreateAsync(account, "/sessions", body: """{"tag":"other"}""");
        }

        var (first, next) = await ReadAsync(account, "/sessions?tagPrefix=a%20b%26&limit=2");
        var (second, end) = await ReadAsync(account, next!);

        Assert.Equal((2, 1, null), (first.Count, second.Count, end));
    }

    [Theory]
    [InlineData("limit=1")]
    [InlineData("limit=1000")]
    [InlineData("tag=12345678901234567890123456789012345678901234567890")]
    [InlineData("tagPrefix=12345678901234567890123456789012345678901234567890")]
    public async Task The_least_and_the_most_of_a_query_parameter_are_accepted(string query)
        => (await (await server.NewAccountAsync()).GetAsync($"/sessions?{query}")).Is(HttpStatusCode.OK, "[]");

    [Theory]
    [InlineData("limit=0", "limit: expected a number from 1 to 1000.")]
    [InlineData("limit=1001", "limit: expected a number from 1 to 1000.")]
    [InlineData("limit=-1", "limit: expected a number from 1 to 1000.")]
    [InlineData("limit=1e2", "limit: expected a number from 1 to 1000.")]
    [InlineData("limit=", "limit: expected a number from 1 to 1000.")]
    [InlineData("limit=1&limit=2", "limit: expected a number from 1 to 1000.")]
    [InlineData("after=", "after: expected the id of the last entry of the previous page.")]
    [InlineData("after=x", "after: expected the id of the last entry of the previous page.")]
    [InlineData("after=%27%20or%20true", "after: expected the id of the last entry of the previous page.")]
    [InlineData("tag=123456789012345678901234567890123456789012345678901", "tag: expected at most 50 characters.")]
    [InlineData("tagPrefix=123456789012345678901234567890123456789012345678901", "tagPrefix: expected at most 50 characters.")]
    [InlineData("tag=a&tagPrefix=a", "tagPrefix: expected no tag in the same request.")]
    public async Task An_invalid_query_parameter_is_rejected(string query, string error)
    {
        var account = await server.NewAccountAsync();
        foreach (var path in new[] { "/sessions", "/participants" })
            (await account.ChangesNothingAsync(() => account.GetAsync($"{path}?{query}"))).IsError(HttpStatusCode.BadRequest, error);
    }

    [Fact]
    public async Task A_page_takes_one_storage_call_regardless_of_members_and_events()
    {
        var account = await server.NewWarmAccountAsync();
        for (var number = 0; number < 5; number++)
            await account.CreateMemberAsync();
        server.StorageCalls.Clear();

        var (ids, next) = await ReadAsync(account, "/sessions?limit=5");

        Assert.Equal((5, 1), (ids.Count, server.StorageCalls.Count));
        if (next is not null)
            Assert.Empty((await ReadAsync(account, next)).Ids);
    }

    private async Task<string> CreateAsync(Account account, string path, Server? at = null, string? body = null)
    {
        // An id begins with the time in milliseconds.
        (at ?? server).Time.Advance(TimeSpan.FromMilliseconds(1));
        return path == "/sessions" ? await account.CreateSessionAsync(body) : await account.CreateParticipantAsync(body);
    }

    private static async Task<(IReadOnlyList<string> Ids, string? Next)> ReadAsync(Account account, string path)
    {
        var answer = await account.GetAsync(path);
        Assert.Equal(HttpStatusCode.OK, answer.Status);
        string? next = null;
        if (answer.Headers.TryGetValues("Link", out var links))
        {
            var link = Assert.Single(links);
            Assert.StartsWith($"<{account.Path}", link, StringComparison.Ordinal);
            Assert.EndsWith(">; rel=\"next\"", link, StringComparison.Ordinal);
            next = link[(account.Path.Length + 1)..link.IndexOf('>', StringComparison.Ordinal)];
        }

        return ([.. answer.Json.EnumerateArray().Select(one => one.GetProperty("id").GetString()!)], next);
    }
}
