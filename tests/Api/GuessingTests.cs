using System.Globalization;
using System.Net;
using Microsoft.Extensions.DependencyInjection;
using Sessions.Model;
using Sessions.Security;

namespace Sessions.Tests;

/// <summary>Guessing credentials: failures are limited for each account and caller, and those who open the account go on.</summary>
public sealed class GuessingTests(GuessingTests.QuickServer server) : IClassFixture<GuessingTests.QuickServer>
{
    private const int Failures = 5;
    private static readonly TimeSpan Window = TimeSpan.FromSeconds(3);

    [Fact]
    public async Task Failures_are_limited_until_the_window_ends()
    {
        var account = await server.NewAccountAsync();
        await GuessAsync(account);

        var limited = await TryAsync(account, "wrong");
        limited.IsError(HttpStatusCode.TooManyRequests, "Too many credentials did not open this account; try again later.");
        Assert.InRange(int.Parse(limited.Headers.GetValues("Retry-After").Single(), CultureInfo.InvariantCulture), 1, Window.TotalSeconds);
        Assert.Equal(HttpStatusCode.TooManyRequests, (await TryAsync(account, Server.Secret)).Status);

        await Task.Delay(Window);
        Assert.Equal(HttpStatusCode.Unauthorized, (await TryAsync(account, "wrong")).Status);
        Assert.Equal(HttpStatusCode.NotFound, (await TryAsync(account, Server.Secret)).Status);
    }

    [Fact]
    public async Task A_limited_guess_costs_no_storage_call()
    {
        var account = await server.NewAccountAsync();
        await GuessAsync(account);
        server.StorageCalls.Clear();

        await TryAsync(account, "wrong");

        Assert.Equal(0, server.StorageCalls.Count);
    }

    [Fact]
    public async Task Who_has_opened_the_account_goes_on_from_the_same_address_and_past_the_minute()
    {
        var account = await server.NewWarmAccountAsync();
        await GuessAsync(account);

        Assert.Equal(HttpStatusCode.NotFound, (await TryAsync(account, Server.Secret)).Status);
        server.Time.Advance(TimeSpan.FromSeconds(61));
        Assert.Equal(HttpStatusCode.NotFound, (await TryAsync(account, Server.Secret)).Status);
    }

    [Fact]
    public async Task Other_callers_and_other_accounts_go_on()
    {
        var (account, other) = (await server.NewAccountAsync(), await server.NewAccountAsync());
        await GuessAsync(account);

        Assert.Equal(HttpStatusCode.NotFound, (await TryAsync(other, Server.Secret)).Status);
        var limiter = new GuessLimiter(1, TimeSpan.FromMinutes(1));
        limiter.Count(AccountId.Parse("account"), "1.2.3.4");
        Assert.NotNull(limiter.Wait(AccountId.Parse("account"), "1.2.3.4"));
        Assert.Null(limiter.Wait(AccountId.Parse("account"), "1.2.3.5"));
    }

    [Fact]
    public async Task A_caller_cannot_name_another_address_for_itself()
    {
        var account = await server.NewAccountAsync();
        for (var guess = 0; guess < Failures; guess++)
            await TryAsync(account, "wrong", ("X-Forwarded-For", $"10.0.0.{guess}"));

        Assert.Equal(HttpStatusCode.TooManyRequests, (await TryAsync(account, "wrong", ("X-Forwarded-For", "10.0.1.1"))).Status);
    }

    [Fact]
    public async Task An_unknown_user_and_a_wrong_secret_are_answered_alike_for_the_same_storage_calls()
    {
        var account = await server.NewAccountAsync();
        server.StorageCalls.Clear();
        var wrongSecret = await account.SendAsync(HttpMethod.Get, "/sessions/x", authorization: Account.Basic(Account.Writer, "wrong"));
        var calls = server.StorageCalls.Count;
        server.StorageCalls.Clear();
        var unknownUser = await account.SendAsync(HttpMethod.Get, "/sessions/x", authorization: Account.Basic("unknown", "wrong"));

        Assert.Equal(calls, server.StorageCalls.Count);
        Assert.Equal(wrongSecret.Status, unknownUser.Status);
        Assert.Equal(
            wrongSecret.Body.Replace(wrongSecret.RequestId, "", StringComparison.Ordinal),
            unknownUser.Body.Replace(unknownUser.RequestId, "", StringComparison.Ordinal));
    }

    [Fact]
    public void A_million_callers_take_no_more_memory_than_4096_limiters()
    {
        var limiter = new GuessLimiter(10, TimeSpan.FromMinutes(1));
        for (var caller = 0; caller < 1_000_000; caller++)
            limiter.Count(AccountId.Parse("account"), caller.ToString(CultureInfo.InvariantCulture));

        Assert.Equal(4096, limiter.Used);
    }

    private static async Task GuessAsync(Account account)
    {
        for (var guess = 0; guess < Failures; guess++)
            Assert.Equal(HttpStatusCode.Unauthorized, (await TryAsync(account, $"wrong{guess}")).Status);
    }

    private static Task<Answer> TryAsync(Account account, string secret, params (string Name, string Value)[] headers)
        => account.SendAsync(HttpMethod.Get, $"/sessions/{Guid.Empty}", authorization: Account.Basic(Account.Writer, secret), headers: headers);

    public sealed class QuickServer(AzuriteFixture azurite) : Server(azurite)
    {
        protected override void Configure(IServiceCollection services) => services.AddSingleton(new GuessLimiter(Failures, Window));
    }
}
