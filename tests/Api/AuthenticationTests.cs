using System.Net;
using System.Reflection;
using System.Text;
using Microsoft.Azure.Functions.Worker;
using Sessions.Model;
using Sessions.Security;
using Sessions.Storage;

namespace Sessions.Tests;

/// <summary>
/// The authorization of every operation for every kind of caller, its storage calls, and how long verified credentials are cached.
/// </summary>
public sealed class AuthenticationTests(Server server) : IClassFixture<Server>
{
    private const string Unauthorized = "The credentials are not valid for this account.";

    /// <summary>Every function of the API except the three public ones. New functions are included automatically.</summary>
    public static TheoryData<string, string> Operations => [.. HttpFunction.All
        .Where(function => function.Name is not ("GetOpenApi" or "Health" or "ZFallback"))
        .SelectMany(function => function.Methods.Select(method => (method, function.Route)))];

    [Fact]
    public async Task The_previous_secret_of_a_rotated_credential_is_accepted_until_it_expires()
    {
        server.Time.Stop();
        var account = await server.NewAccountAsync();
        await server.Credentials.RotateAsync(
            AccountId.Parse(account.Id), Account.Writer, BasicCredentials.Hash("fresh"), TimeSpan.FromSeconds(90), CancellationToken.None);

        Assert.Equal(HttpStatusCode.NotFound, (await account.GetAsync($"/sessions/{Guid.Empty}")).Status);
        server.Time.Advance(TimeSpan.FromSeconds(80));
        Assert.Equal(HttpStatusCode.NotFound, (await account.GetAsync($"/sessions/{Guid.Empty}")).Status);
        server.Time.Advance(TimeSpan.FromSeconds(10));
        Assert.Equal(HttpStatusCode.Unauthorized, (await account.GetAsync($"/sessions/{Guid.Empty}")).Status);
    }

    [Theory]
    [MemberData(nameof(Operations))]
    public async Task A_request_without_credentials_is_rejected(string method, string route)
    {
        var answer = await SendAsync(await server.NewAccountAsync(), method, route, authorization: "");

        IsUnauthorized(answer, method);
    }

    [Theory]
    [MemberData(nameof(Operations))]
    public async Task A_wrong_secret_is_rejected(string method, string route)
    {
        var answer = await SendAsync(await server.NewAccountAsync(), method, route, Account.Basic(Account.Writer, "wrong"));

        IsUnauthorized(answer, method);
    }

    [Theory]
    [MemberData(nameof(Operations))]
    public async Task An_unknown_user_is_rejected(string method, string route)
    {
        var answer = await SendAsync(await server.NewAccountAsync(), method, route, Account.Basic("unknown", ApiServer.Secret));

        IsUnauthorized(answer, method);
    }

    [Theory]
    [MemberData(nameof(Operations))]
    public async Task A_credential_of_another_account_is_rejected(string method, string route)
    {
        var (mine, theirs) = (await server.NewAccountAsync(), await server.NewAccountAsync());
        await theirs.AddUserAsync("them", "their secret", Access.Write);
        var authorization = Account.Basic("them", "their secret");
        Assert.Equal(HttpStatusCode.OK, (await theirs.SendAsync(HttpMethod.Post, "/sessions", authorization: authorization)).Status);

        var answer = await SendAsync(mine, method, route, authorization);

        IsUnauthorized(answer, method);
    }

    [Theory]
    [MemberData(nameof(Operations))]
    public async Task A_read_only_credential_can_read_and_gets_403_for_a_write(string method, string route)
    {
        var account = await server.NewAccountAsync();
        await account.AddUserAsync("reader", ApiServer.Secret, Access.Read);
        await TurnFeedOnAsync(account);

        var answer = await SendAsync(account, method, route, Account.Basic("reader", ApiServer.Secret));

        if (method is "get" or "head")
            Assert.Equal(HttpStatusCode.OK, answer.Status);
        else
            answer.IsError(HttpStatusCode.Forbidden, "The credentials are read-only.");
    }

    [Theory]
    [MemberData(nameof(Operations))]
    public async Task A_write_credential_is_accepted_by_every_operation(string method, string route)
    {
        var account = await server.NewAccountAsync();
        await TurnFeedOnAsync(account);
        var (session, participant) = await account.CreateMemberAsync();

        var answer = await account.SendAsync(new(method), BelowAccount(route, session, participant));

        Assert.Contains(answer.Status, new[] { HttpStatusCode.OK, HttpStatusCode.NoContent });
    }

    [Theory]
    [InlineData("Basic")]
    [InlineData("Basic ")]
    [InlineData("Basic !!!")]
    [InlineData("Basic d3JpdGVy")]
    [InlineData("Basic gDpzZWNyZXQ=")]
    [InlineData("Basic OnNlY3JldA==")]
    [InlineData("Bearer d3JpdGVyOnNlY3JldA==")]
    [InlineData("d3JpdGVyOnNlY3JldA==")]
    [InlineData(", ,")]
    public async Task A_malformed_authorization_header_is_rejected(string authorization)
    {
        var account = await server.NewAccountAsync();

        var answer = await account.ChangesNothingAsync(() => account.SendAsync(HttpMethod.Post, "/sessions", authorization: authorization));

        IsUnauthorized(answer);
    }

    [Theory]
    [InlineData("Basic YW5uOnNl    Y3JldA==")]
    [InlineData("Basic YW5uOnNl Y3JldA==")]
    [InlineData("Basic YW5uOnNl\tY3Jl\t\t\tdA==")]
    [InlineData("Basic YW5uOnNlY3JldA= =")]
    [InlineData("Basic YW5uOnNlY3JldB==")]
    [InlineData("Basic YW5uOnNlY3JldA=")]
    [InlineData("Basic YW5uOnNlY3JldA")]
    [InlineData("Basic YW5uOnNlY3JldA====")]
    [InlineData("BasicYW5uOnNlY3JldA==")]
    public async Task A_credential_in_a_non_canonical_encoding_is_rejected_without_a_storage_call(string authorization)
    {
        var account = await server.NewAccountAsync();
        await account.AddUserAsync("ann", "secret", Access.Write);
        Assert.Equal("Basic YW5uOnNlY3JldA==", Account.Basic("ann", "secret"));
        Assert.Equal(HttpStatusCode.OK, (await account.SendAsync(HttpMethod.Post, "/sessions", authorization: Account.Basic("ann", "secret"))).Status);
        server.StorageCalls.Clear();

        IsUnauthorized(await account.SendAsync(HttpMethod.Post, "/sessions", authorization: authorization));

        Assert.Equal(0, server.StorageCalls.Count);
    }

    [Fact]
    public async Task A_cached_credential_is_found_for_any_case_and_spacing_of_the_scheme()
    {
        var account = await server.NewWarmAccountAsync();
        server.StorageCalls.Clear();

        foreach (var scheme in new[] { "basic ", "BASIC ", "Basic   " })
        {
            var authorization = Account.Basic(Account.Writer, ApiServer.Secret).Replace("Basic ", scheme, StringComparison.Ordinal);
            Assert.Equal(HttpStatusCode.NotFound, (await account.SendAsync(HttpMethod.Get, $"/sessions/{Guid.Empty}", authorization: authorization)).Status);
        }

        Assert.Equal(3, server.StorageCalls.Count);
    }

    [Fact]
    public async Task Cached_credentials_differ_even_if_account_id_and_user_name_concatenate_to_the_same_text()
    {
        var (account, longer) = (await server.NewAccountAsync("border-1"), await server.NewAccountAsync("border-12"));
        await account.AddUserAsync("2ann", "secret", Access.Write);
        var authorization = Account.Basic("2ann", "secret");
        Assert.Equal(HttpStatusCode.OK, (await account.SendAsync(HttpMethod.Post, "/sessions", authorization: authorization)).Status);

        IsUnauthorized(await longer.SendAsync(HttpMethod.Post, "/sessions", authorization: Account.Basic("ann", "secret")));
        IsUnauthorized(await longer.SendAsync(HttpMethod.Post, "/sessions", authorization: authorization));
    }

    [Theory]
    [InlineData("BASIC")]
    [InlineData("basic")]
    public async Task The_scheme_is_case_insensitive(string scheme)
    {
        var account = await server.NewAccountAsync();

        var answer = await account.SendAsync(
            HttpMethod.Post, "/sessions", authorization: Account.Basic(Account.Writer, ApiServer.Secret).Replace("Basic", scheme, StringComparison.Ordinal));

        Assert.Equal(HttpStatusCode.OK, answer.Status);
    }

    [Theory]
    [InlineData("ünïcödé ☎", "sécrèt 😀")]
    [InlineData("user", "with:colons::")]
    [InlineData("user/with#odd?keys\\%", "")]
    public async Task User_names_and_secrets_are_UTF_8_and_the_first_colon_separates_them(string user, string secret)
    {
        var account = await server.NewAccountAsync();
        await account.AddUserAsync(user, secret, Access.Write);

        var answer = await account.SendAsync(HttpMethod.Post, "/sessions", authorization: Account.Basic(user, secret));

        Assert.Equal(HttpStatusCode.OK, answer.Status);
    }

    private Task TurnFeedOnAsync(Account account)
        => new Feeds(server.Tables, server.Time).TurnOnAsync(AccountId.Parse(account.Id), CancellationToken.None);

    [Fact]
    public void Every_operation_of_an_account_is_in_the_test_matrix()
    {
        var ofAccounts = HttpFunction.All.Where(function => function.Route.Contains("{accountId}", StringComparison.Ordinal)).ToArray();
        Assert.NotEmpty(ofAccounts);
        Assert.Equal(ofAccounts.Sum(function => function.Methods.Count), Operations.Count);

        var functions = typeof(ServiceRegistration).Assembly.GetTypes()
            .SelectMany(type => type.GetMethods())
            .Where(method => method.GetCustomAttribute<FunctionAttribute>() is not null)
            .ToArray();
        var others = functions.Count(function => function.GetParameters().Any(parameter
            => parameter.GetCustomAttribute<TimerTriggerAttribute>() is not null || parameter.GetCustomAttribute<QueueTriggerAttribute>() is not null));
        Assert.Equal(functions.Length, HttpFunction.All.Count + others);
    }

    [Fact]
    public async Task A_user_name_of_256_bytes_is_accepted()
    {
        var account = await server.NewAccountAsync();
        var user = new string('é', 128);
        await account.AddUserAsync(user, ApiServer.Secret, Access.Write);

        var answer = await account.SendAsync(HttpMethod.Post, "/sessions", authorization: Account.Basic(user, ApiServer.Secret));

        Assert.Equal(HttpStatusCode.OK, answer.Status);
    }

    [Fact]
    public async Task A_user_name_over_256_bytes_is_rejected_without_a_storage_call()
    {
        var account = await server.NewAccountAsync();
        server.StorageCalls.Clear();

        var answer = await account.SendAsync(HttpMethod.Post, "/sessions", authorization: Account.Basic(new('é', 129), ApiServer.Secret));

        IsUnauthorized(answer);
        Assert.Equal(0, server.StorageCalls.Count);
    }

    [Theory]
    [InlineData("a.b")]
    [InlineData("a%20b")]
    [InlineData("a%2Fb")]
    [InlineData("a:b")]
    [InlineData("%C3%A9")]
    [InlineData("12345678901234567890123456789012345678901234567890123456789012345")]
    public async Task An_invalid_account_id_is_rejected_like_an_unknown_account_without_a_storage_call(string accountId)
    {
        var account = new Account(server, accountId);
        server.StorageCalls.Clear();

        IsUnauthorized(await account.PostAsync("/sessions"));

        Assert.Equal(0, server.StorageCalls.Count);
    }

    [Fact]
    public async Task A_verified_credential_is_cached_for_a_minute()
    {
        var account = await server.NewAccountAsync();
        var session = await account.CreateSessionAsync();
        server.StorageCalls.Clear();

        await account.GetAsync($"/sessions/{session}");
        Assert.Equal(1, server.StorageCalls.Count);

        server.Time.Advance(TimeSpan.FromSeconds(61));
        await account.GetAsync($"/sessions/{session}");
        Assert.Equal(3, server.StorageCalls.Count);
    }

    [Fact]
    public async Task A_revoked_credential_is_rejected_within_a_minute_even_if_it_is_in_use()
    {
        var account = await server.NewAccountAsync();
        await account.CreateSessionAsync();
        await server.Tables.Credentials.DeleteEntityAsync(account.Id, Convert.ToHexStringLower(Encoding.UTF8.GetBytes(Account.Writer)));

        server.Time.Advance(TimeSpan.FromSeconds(30));
        await account.PostAsync("/sessions");
        server.Time.Advance(TimeSpan.FromSeconds(31));

        IsUnauthorized(await account.PostAsync("/sessions"));
    }

    private static async Task<Answer> SendAsync(Account account, string method, string route, string authorization)
    {
        var (session, participant) = await account.CreateMemberAsync();
        return method is "get" or "head"
            ? await account.SendAsync(new(method), BelowAccount(route, session, participant), authorization: authorization)
            : await account.ChangesNothingAsync(
                () => account.SendAsync(new(method), BelowAccount(route, session, participant), authorization: authorization));
    }

    private static string BelowAccount(string route, string session, string participant) => route
        .Replace("v1/accounts/{accountId}", "", StringComparison.Ordinal)
        .Replace("{sessionId}", session, StringComparison.Ordinal)
        .Replace("{participantId}", participant, StringComparison.Ordinal);

    private static void IsUnauthorized(Answer answer, string method = "get")
    {
        if (method == "head")
            Assert.Equal((HttpStatusCode.Unauthorized, ""), (answer.Status, answer.Body));
        else
            answer.IsError(HttpStatusCode.Unauthorized, Unauthorized);
        Assert.Equal("Basic realm=\"Sessions\", charset=\"UTF-8\"", answer.Headers.WwwAuthenticate.ToString());
    }
}
