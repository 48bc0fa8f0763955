using System.Net;

namespace Sessions.Tests;

/// <summary>Entity tags prevent lost updates for callers that send them, and change nothing for callers that do not.</summary>
public sealed class ConditionalRequestTests(Server server) : IClassFixture<Server>
{
    private const string Changed = "If-Match: the resource is in another state than the header names.";

    [Fact]
    public async Task A_read_with_the_current_ETag_returns_304()
    {
        var account = await server.NewAccountAsync();
        var (session, participant) = await account.CreateMemberAsync();
        foreach (var path in new[] { $"/sessions/{session}", $"/participants/{participant}", $"/sessions/{session}/participants/{participant}/subscriptions" })
        {
            var etag = await ETagAsync(account, path);
            foreach (var known in new[] { etag, $"W/{etag}", $"\"other\", {etag}", "*" })
            {
                var answer = await account.SendAsync(HttpMethod.Get, path, headers: ("If-None-Match", known));

                Assert.Equal((HttpStatusCode.NotModified, "", etag), (answer.Status, answer.Body, answer.Headers.ETag?.ToString()));
            }

            foreach (var unknown in new[] { "\"other\"", etag.Trim('"'), "" })
                Assert.Equal(HttpStatusCode.OK, (await account.SendAsync(HttpMethod.Get, path, headers: ("If-None-Match", unknown))).Status);
        }
    }

    [Theory]
    [InlineData("\"*\"")]
    [InlineData("\"a\", *")]
    [InlineData("W/\"*\"")]
    public async Task Only_an_unquoted_star_on_its_own_is_a_wildcard(string condition)
    {
        var account = await server.NewAccountAsync();
        var (session, participant) = await account.CreateMemberAsync();
        foreach (var path in new[] { $"/sessions/{session}/participants/{participant}", $"/participants/{participant}", $"/sessions/{session}" })
        {
            var refused = await account.ChangesNothingAsync(() => account.SendAsync(HttpMethod.Delete, path, headers: ("If-Match", condition)));
            refused.IsError(HttpStatusCode.PreconditionFailed, Changed);
        }

        var read = await account.SendAsync(HttpMethod.Get, $"/sessions/{session}", headers: ("If-None-Match", condition));
        Assert.Equal(HttpStatusCode.OK, read.Status);
    }

    [Fact]
    public async Task Only_a_join_or_a_leave_changes_the_ETag_of_a_session()
    {
        var account = await server.NewAccountAsync();
        var (session, participant) = (await account.CreateSessionAsync(), await account.CreateParticipantAsync());
        var path = $"/sessions/{session}";
        List<string> etags = [await ETagAsync(account, path)];
        await account.JoinAsync(session, participant);
        etags.Add(await ETagAsync(account, path));
        await account.JoinAsync(session, participant);
        await account.PutAsync($"{path}/participants/{participant}/subscriptions", $$"""{"sessionId":"{{session}}"}""");
        Assert.Equal(etags[1], await ETagAsync(account, path));
        await account.DeleteAsync($"{path}/participants/{participant}");
        etags.Add(await ETagAsync(account, path));

        Assert.Equal(3, etags.Distinct().Count());
    }

    [Fact]
    public async Task The_ETag_of_a_participant_changes_with_its_membership_and_its_subscriptions()
    {
        var account = await server.NewAccountAsync();
        var (session, participant) = (await account.CreateSessionAsync(), await account.CreateParticipantAsync());
        var (path, subscriptions) = ($"/participants/{participant}", $"/sessions/{session}/participants/{participant}/subscriptions");
        var outside = await ETagAsync(account, path);
        await account.JoinAsync(session, participant);
        var joined = await ETagAsync(account, path);
        Assert.Equal(joined, await ETagAsync(account, subscriptions));
        await account.PutAsync(subscriptions, "{}");
        var updated = await ETagAsync(account, path);
        Assert.Equal(updated, await ETagAsync(account, subscriptions));
        await account.DeleteAsync($"/sessions/{session}/participants/{participant}");

        Assert.Equal(3, new[] { outside, joined, updated }.Distinct().Count());
        Assert.Equal(outside, await ETagAsync(account, path));
    }

    [Theory]
    [InlineData("PUT", "/sessions/{0}/participants/{1}", "{}")]
    [InlineData("PUT", "/sessions/{0}/participants/{1}", null)]
    [InlineData("PUT", "/sessions/{0}/participants/{1}/subscriptions", "{}")]
    [InlineData("DELETE", "/sessions/{0}/participants/{1}", null)]
    [InlineData("DELETE", "/participants/{1}", null)]
    public async Task A_change_of_a_participant_succeeds_only_with_its_current_ETag(
        string method, string path, string? body)
    {
        var account = await server.NewAccountAsync();
        var (session, participant) = await account.CreateMemberAsync();
        path = string.Format(System.Globalization.CultureInfo.InvariantCulture, path, session, participant);
        var stale = await ETagAsync(account, $"/participants/{participant}");
        await account.PutAsync($"/sessions/{session}/participants/{participant}/subscriptions", $$"""{"sessionId":"{{session}}"}""");
        var current = await ETagAsync(account, $"/participants/{participant}");

        foreach (var ifMatch in new[] { stale, $"W/{current}", "\"*\" x", "nonsense", "" })
        {
            (await account.ChangesNothingAsync(() => account.SendAsync(new(method), path, body, headers: ("If-Match", ifMatch))))
                .IsError(HttpStatusCode.PreconditionFailed, Changed);
        }

        (await account.SendAsync(new(method), path, body, headers: ("If-Match", $"\"other\", {current}"))).Is(HttpStatusCode.NoContent);
    }

    [Theory]
    [InlineData("/sessions/{0}/participants/{1}")]
    [InlineData("/sessions/{0}/participants/{1}/subscriptions")]
    public async Task A_join_with_the_ETag_of_a_participant_in_no_session_succeeds_only_while_it_is_in_none(string path)
    {
        var account = await server.NewAccountAsync();
        var (session, participant) = (await account.CreateSessionAsync(), await account.CreateParticipantAsync());
        path = string.Format(System.Globalization.CultureInfo.InvariantCulture, path, session, participant);
        var outside = await ETagAsync(account, $"/participants/{participant}");

        (await account.ChangesNothingAsync(() => account.SendAsync(HttpMethod.Put, path, headers: ("If-Match", "\"other\""))))
            .IsError(HttpStatusCode.PreconditionFailed, Changed);
        (await account.SendAsync(HttpMethod.Put, path, headers: ("If-Match", outside))).Is(HttpStatusCode.NoContent);
        (await account.ChangesNothingAsync(() => account.SendAsync(HttpMethod.Put, path, headers: ("If-Match", outside))))
            .IsError(HttpStatusCode.PreconditionFailed, Changed);
    }

    [Fact]
    public async Task A_session_is_deleted_only_with_its_current_ETag()
    {
        var account = await server.NewAccountAsync();
        var (session, participant) = (await account.CreateSessionAsync(), await account.CreateParticipantAsync());
        var empty = await ETagAsync(account, $"/sessions/{session}");
        await account.JoinAsync(session, participant);

        (await account.ChangesNothingAsync(() => account.SendAsync(HttpMethod.Delete, $"/sessions/{session}", headers: ("If-Match", empty))))
            .IsError(HttpStatusCode.PreconditionFailed, Changed);
        (await account.SendAsync(HttpMethod.Delete, $"/sessions/{session}", headers: ("If-Match", await ETagAsync(account, $"/sessions/{session}"))))
            .Is(HttpStatusCode.NoContent);
    }

    [Fact]
    public async Task A_star_matches_any_existing_resource_and_a_deleted_resource_returns_404()
    {
        var account = await server.NewAccountAsync();
        var (session, participant) = await account.CreateMemberAsync();
        foreach (var path in new[] { $"/sessions/{session}/participants/{participant}", $"/participants/{participant}", $"/sessions/{session}" })
        {
            (await account.SendAsync(HttpMethod.Delete, path, headers: ("If-Match", "*"))).Is(HttpStatusCode.NoContent);
            Assert.Equal(HttpStatusCode.NotFound, (await account.SendAsync(HttpMethod.Delete, path, headers: ("If-Match", "*"))).Status);
        }
    }

    [Fact]
    public async Task One_of_several_concurrent_updates_with_the_same_ETag_succeeds()
    {
        var account = await server.NewAccountAsync();
        var (session, participant) = await account.CreateMemberAsync();
        var path = $"/sessions/{session}/participants/{participant}/subscriptions";
        var etag = await ETagAsync(account, path);

        var answers = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ =>
            account.SendAsync(HttpMethod.Put, path, $$"""{"sessionId":"{{session}}"}""", headers: ("If-Match", etag))));

        Assert.Single(answers, answer => answer.Status == HttpStatusCode.NoContent);
        Assert.Equal(7, answers.Count(answer => answer.Status == HttpStatusCode.PreconditionFailed));
    }

    private static async Task<string> ETagAsync(Account account, string path) => (await account.GetAsync(path)).Headers.ETag!.ToString();
}
