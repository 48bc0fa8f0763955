using System.Diagnostics;
using System.Globalization;
using System.Net;
using Azure;
using Sessions.Model;
using Sessions.Security;
using Sessions.Storage;

namespace Sessions.Tests;

/// <summary>
/// Guessing credentials. Failures are limited for each account and caller, and for each caller. Callers with a correct credential are not
/// affected. The server is behind one more proxy, so that each test has its own callers.
/// </summary>
public sealed class GuessingTests : IClassFixture<GuessingTests.ProxiedServer>
{
    private const int FailuresOnAccount = 10;
    private const int FailuresEverywhere = 100;

    private static int _callers;

    private readonly ProxiedServer _server;
    private readonly string _caller = NewCaller();

    public GuessingTests(ProxiedServer server)
    {
        _server = server;
        server.Time.Stop();
    }

    [Fact]
    public async Task After_ten_failures_on_an_account_a_caller_gets_429_for_a_minute_from_the_first_failure()
    {
        var account = await _server.NewAccountAsync();
        await GuessAsync(account);

        var limited = await TryAsync(account, "wrong");
        limited.IsError(HttpStatusCode.TooManyRequests, "Too many attempts to authenticate failed. Try again later.");
        Assert.Equal(60, RetryAfter(limited));

        _server.Time.Advance(TimeSpan.FromSeconds(59));
        limited = await TryAsync(account, Server.Secret);
        Assert.Equal((HttpStatusCode.TooManyRequests, 1), (limited.Status, RetryAfter(limited)));

        _server.Time.Advance(TimeSpan.FromSeconds(1));
        await GuessAsync(account);
        Assert.Equal(HttpStatusCode.TooManyRequests, (await TryAsync(account, "wrong")).Status);
    }

    [Fact]
    public async Task After_a_hundred_failures_on_any_accounts_a_caller_gets_429_and_other_callers_do_not()
    {
        for (var account = 0; account < FailuresEverywhere / FailuresOnAccount; account++)
            await GuessAsync(await _server.NewAccountAsync());

        var other = await _server.NewAccountAsync();
        var limited = await TryAsync(other, Server.Secret);
        Assert.Equal((HttpStatusCode.TooManyRequests, 60), (limited.Status, RetryAfter(limited)));
        Assert.Equal(HttpStatusCode.NotFound, (await TryFromAsync(NewCaller(), other, Server.Secret)).Status);

        _server.Time.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal(HttpStatusCode.NotFound, (await TryAsync(await _server.NewAccountAsync(), Server.Secret)).Status);
    }

    [Fact]
    public async Task Parallel_guesses_are_limited_like_sequential_ones()
    {
        var account = await _server.NewAccountAsync();

        var answers = await Task.WhenAll(Enumerable.Range(0, 400).Select(guess => TryAsync(account, $"wrong{guess}")));

        Assert.Equal(FailuresOnAccount, answers.Count(answer => answer.Status == HttpStatusCode.Unauthorized));
        var limited = answers.Where(answer => answer.Status == HttpStatusCode.TooManyRequests).ToArray();
        Assert.Equal(400 - FailuresOnAccount, limited.Length);
        Assert.All(limited, answer => Assert.InRange(RetryAfter(answer), 1, 60));
    }

    [Fact]
    public async Task Concurrent_first_requests_of_a_caller_all_succeed_and_share_credential_lookups()
    {
        var account = await _server.NewAccountAsync();
        _server.StorageCalls.Clear();
        _server.StorageCalls.Hold = TimeSpan.FromMilliseconds(500);

        var answers = await Task.WhenAll(Enumerable.Range(0, 50).Select(_ => TryAsync(account, Server.Secret)));

        _server.StorageCalls.Hold = TimeSpan.Zero;
        Assert.All(answers, answer => Assert.Equal(HttpStatusCode.NotFound, answer.Status));
        Assert.InRange(_server.StorageCalls.Count, 51, 51 + FailuresOnAccount);
    }

    [Fact]
    public async Task Valid_credentials_are_not_counted_as_guesses()
    {
        var account = await _server.NewAccountAsync();
        for (var user = 0; user < 2 * FailuresOnAccount; user++)
        {
            await account.AddUserAsync($"user{user}", Server.Secret, Access.Read);
            Assert.Equal(HttpStatusCode.NotFound, (await TryAsync(account, Server.Secret, user: $"user{user}")).Status);
        }

        await GuessAsync(account);
        Assert.Equal(HttpStatusCode.TooManyRequests, (await TryAsync(account, "wrong")).Status);
    }

    [Fact]
    public async Task Credentials_are_not_counted_as_guesses_when_storage_fails()
    {
        var account = await _server.NewAccountAsync();
        _server.StorageCalls.Fault = () => new RequestFailedException(503, "Busy.");
        for (var guess = 0; guess < 2 * FailuresOnAccount; guess++)
            Assert.Equal(HttpStatusCode.ServiceUnavailable, (await TryAsync(account, $"wrong{guess}")).Status);
        _server.StorageCalls.Fault = () => null;

        await GuessAsync(account);
    }

    [Fact]
    public async Task Looking_up_a_cached_credential_again_ends_no_other_guess()
    {
        const string User = "cached";
        var account = await _server.NewAccountAsync();
        await account.AddUserAsync(User, Server.Secret, Access.Read);
        Assert.Equal(HttpStatusCode.NotFound, (await TryAsync(account, Server.Secret, user: User)).Status);
        _server.Time.Advance(TimeSpan.FromMinutes(1));
        var (lookUps, allBegun, held) = (0, new TaskCompletionSource(), new TaskCompletionSource());
        _server.Faults.Slowness = () => held.Task;
        _server.Faults.Choose = request =>
        {
            var url = request.Uri.ToString();
            if (!url.Contains("credentials", StringComparison.Ordinal) || url.Contains(Keys.User(User), StringComparison.Ordinal))
                return StorageFault.None;
            if (Interlocked.Increment(ref lookUps) == FailuresOnAccount)
                allBegun.SetResult();
            return StorageFault.Slow;
        };
        var guesses = Enumerable.Range(0, FailuresOnAccount).Select(guess => TryAsync(account, $"wrong{guess}")).ToArray();
        try
        {
            await allBegun.Task.WaitAsync(TimeSpan.FromSeconds(30));
            Assert.Equal(HttpStatusCode.NotFound, (await TryAsync(account, Server.Secret, user: User)).Status);
        }
        finally
        {
            _server.Faults.Choose = _ => StorageFault.None;
            held.SetResult();
        }

        Assert.Equal(HttpStatusCode.TooManyRequests, (await TryAsync(account, "wrong")).Status);
        Assert.All(await Task.WhenAll(guesses), guess => Assert.Equal(HttpStatusCode.Unauthorized, guess.Status));
    }

    [Fact]
    public async Task A_guess_counts_even_if_its_caller_disconnects()
    {
        var account = await _server.NewAccountAsync();
        var (lookUps, allBegun, held) = (0, new TaskCompletionSource(), new TaskCompletionSource());
        _server.Faults.Slowness = () => held.Task;
        _server.Faults.Choose = _ =>
        {
            if (Interlocked.Increment(ref lookUps) == FailuresOnAccount)
                allBegun.SetResult();
            return StorageFault.Slow;
        };
        var (before, trace) = (_server.StorageCalls.Count, ActivityTraceId.CreateRandom().ToHexString());
        using var impatience = new CancellationTokenSource();
        var guesses = Enumerable.Range(0, FailuresOnAccount).Select(guess => account.SendAsync(
            HttpMethod.Get,
            $"/sessions/{Guid.Empty}",
            authorization: Account.Basic(Account.Writer, $"wrong{guess}"),
            cancellation: impatience.Token,
            headers: [("X-Forwarded-For", _caller), ("traceparent", $"00-{trace}-00f067aa0ba902b7-00")])).ToArray();
        try
        {
            await allBegun.Task.WaitAsync(TimeSpan.FromSeconds(30));
            await impatience.CancelAsync();
            foreach (var guess in guesses)
                await Assert.ThrowsAnyAsync<OperationCanceledException>(() => guess);

            // The guess of a look-up that ended with its caller would no longer count.
            await Eventually.IsAsync(
                FailuresOnAccount, () => CapturedLogs.All.Count(line => line.Contains($"{trace}: the caller disconnected", StringComparison.Ordinal)));
        }
        finally
        {
            _server.Faults.Choose = _ => StorageFault.None;
            held.SetResult();
        }

        await Eventually.IsAsync(true, () => _server.StorageCalls.Count >= before + FailuresOnAccount);
        Assert.Equal(HttpStatusCode.TooManyRequests, (await TryAsync(account, Server.Secret)).Status);
    }

    [Fact]
    public async Task A_guess_over_the_limit_makes_no_storage_call()
    {
        var account = await _server.NewAccountAsync();
        await GuessAsync(account);
        _server.StorageCalls.Clear();

        await TryAsync(account, "wrong");

        Assert.Equal(0, _server.StorageCalls.Count);
    }

    [Fact]
    public async Task A_caller_with_a_cached_credential_is_not_limited_by_guesses_from_the_same_address()
    {
        var account = await _server.NewAccountAsync();
        await TryAsync(account, Server.Secret);
        await GuessAsync(account);

        Assert.Equal(HttpStatusCode.NotFound, (await TryAsync(account, Server.Secret)).Status);
        _server.Time.Advance(TimeSpan.FromSeconds(61));
        await GuessAsync(account);
        Assert.Equal(HttpStatusCode.NotFound, (await TryAsync(account, Server.Secret)).Status);
    }

    [Fact]
    public async Task A_revoked_credential_counts_as_a_guess_after_its_first_failure()
    {
        var account = await _server.NewAccountAsync();
        await TryAsync(account, Server.Secret);
        await _server.Credentials.RemoveAsync(AccountId.Parse(account.Id), Account.Writer, CancellationToken.None);
        Assert.Equal(HttpStatusCode.NotFound, (await TryAsync(account, Server.Secret)).Status);

        _server.Time.Advance(TimeSpan.FromSeconds(60));
        for (var attempt = 0; attempt < 1 + FailuresOnAccount; attempt++)
            Assert.Equal(HttpStatusCode.Unauthorized, (await TryAsync(account, Server.Secret)).Status);
        Assert.Equal(HttpStatusCode.TooManyRequests, (await TryAsync(account, Server.Secret)).Status);
    }

    [Fact]
    public async Task Other_callers_and_other_accounts_are_not_limited()
    {
        var (account, other) = (await _server.NewAccountAsync(), await _server.NewAccountAsync());
        await GuessAsync(account);

        Assert.Equal(HttpStatusCode.NotFound, (await TryAsync(other, Server.Secret)).Status);
        Assert.Equal(HttpStatusCode.NotFound, (await TryFromAsync(NewCaller(), account, Server.Secret)).Status);
    }

    [Theory]
    [InlineData("6.6.6.{0}, {1}")]
    [InlineData("6.6.6.{0},7.7.7.{0},{1}")]
    [InlineData(" ,, {1}")]
    [InlineData("{1}:5{0}")]
    [InlineData("::ffff:{1}")]
    [InlineData("[::ffff:{1}]:443")]
    public async Task A_caller_cannot_escape_the_limit_with_its_own_X_Forwarded_For_entries(string forwardedFor)
    {
        var account = await _server.NewAccountAsync();
        for (var guess = 0; guess < FailuresOnAccount; guess++)
            await TryFromAsync(string.Format(CultureInfo.InvariantCulture, forwardedFor, guess, _caller), account, $"wrong{guess}");

        Assert.Equal(HttpStatusCode.TooManyRequests, (await TryAsync(account, "wrong")).Status);
        Assert.Equal(HttpStatusCode.Unauthorized, (await TryFromAsync(NewCaller(), account, "wrong")).Status);
    }

    [Fact]
    public async Task All_addresses_of_an_IPv6_64_prefix_are_one_caller()
    {
        var account = await _server.NewAccountAsync();
        for (var guess = 0; guess < FailuresOnAccount; guess++)
            await TryFromAsync($"2001:db8:0:1:{guess}::{guess}", account, $"wrong{guess}");

        Assert.Equal(HttpStatusCode.TooManyRequests, (await TryFromAsync("[2001:db8:0:1:ffff::1]:443", account, "wrong")).Status);
        Assert.Equal(HttpStatusCode.Unauthorized, (await TryFromAsync("2001:db8:0:2::1", account, "wrong")).Status);
    }

    [Fact]
    public async Task With_fewer_X_Forwarded_For_entries_than_trusted_proxies_the_first_entry_is_the_caller()
    {
        var account = await _server.NewAccountAsync();
        for (var guess = 0; guess < FailuresOnAccount; guess++)
            await TryFromAsync(null, account, $"wrong{guess}");

        Assert.Equal(HttpStatusCode.TooManyRequests, (await TryFromAsync("127.0.0.1", account, "wrong")).Status);
        Assert.Equal(HttpStatusCode.Unauthorized, (await TryAsync(account, "wrong")).Status);
    }

    [Fact]
    public async Task An_unknown_user_and_a_wrong_secret_get_the_same_response_with_the_same_storage_calls()
    {
        var account = await _server.NewAccountAsync();
        _server.StorageCalls.Clear();
        var wrongSecret = await TryAsync(account, "wrong");
        var calls = _server.StorageCalls.Count;
        _server.StorageCalls.Clear();
        var unknownUser = await TryAsync(account, "wrong", user: "unknown");

        Assert.Equal(calls, _server.StorageCalls.Count);
        Assert.Equal(wrongSecret.Status, unknownUser.Status);
        Assert.Equal(
            wrongSecret.Body.Replace(wrongSecret.RequestId, "", StringComparison.Ordinal),
            unknownUser.Body.Replace(unknownUser.RequestId, "", StringComparison.Ordinal));
    }

    [Fact]
    public void A_caller_with_41_000_guesses_on_many_accounts_does_not_lock_out_other_callers()
    {
        var limiter = new GuessLimiter(_server.Time);
        var attacker = Caller.Parse(_caller);
        var taken = 0;
        for (var guess = 0; guess < 41_000; guess++)
        {
            var account = AccountId.Parse($"{guess % 4_100}");
            if (limiter.TryBegin(account, attacker, out _))
            {
                limiter.End(account, attacker, failed: true);
                taken++;
            }
        }

        Assert.Equal(FailuresEverywhere, taken);
        Assert.Equal((FailuresEverywhere, 1), limiter.Count);
        for (var caller = 0; caller < 200; caller++)
            Assert.True(limiter.TryBegin(AccountId.Parse($"{caller}"), Caller.Parse(NewCaller()), out _));
    }

    [Fact]
    public void Any_number_of_callers_takes_bounded_memory_and_the_oldest_entry_is_evicted()
    {
        var limiter = new GuessLimiter(_server.Time);
        var account = AccountId.Parse("account");
        for (var caller = 0; caller <= GuessLimiter.Capacity; caller++)
        {
            for (var guess = 0; guess < FailuresOnAccount; guess++)
            {
                Assert.True(limiter.TryBegin(account, CallerOf(caller), out _));
                limiter.End(account, CallerOf(caller), failed: true);
            }
        }

        Assert.Equal((GuessLimiter.Capacity, GuessLimiter.Capacity), limiter.Count);
        Assert.False(limiter.TryBegin(account, CallerOf(1), out _));
        Assert.False(limiter.TryBegin(account, CallerOf(GuessLimiter.Capacity), out _));
        Assert.True(limiter.TryBegin(account, CallerOf(0), out _));

        static Caller CallerOf(int number) => Caller.Parse(new IPAddress(number).ToString());
    }

    [Fact]
    public void Callers_with_valid_credentials_leave_no_entry_in_memory()
    {
        var limiter = new GuessLimiter(_server.Time);
        Assert.True(limiter.TryBegin(AccountId.Parse("account"), Caller.Parse(_caller), out _));
        limiter.End(AccountId.Parse("account"), Caller.Parse(_caller), failed: false);

        Assert.Equal((0, 0), limiter.Count);
    }

    private static string NewCaller()
    {
        var number = Interlocked.Increment(ref _callers);
        return $"198.18.{number >> 8}.{number & 255}";
    }

    private static int RetryAfter(Answer answer) => int.Parse(answer.Headers.GetValues("Retry-After").Single(), CultureInfo.InvariantCulture);

    private async Task GuessAsync(Account account)
    {
        for (var guess = 0; guess < FailuresOnAccount; guess++)
            Assert.Equal(HttpStatusCode.Unauthorized, (await TryAsync(account, $"wrong{guess}")).Status);
    }

    private Task<Answer> TryAsync(Account account, string secret, string user = Account.Writer, CancellationToken cancellation = default)
        => TryFromAsync(_caller, account, secret, user, cancellation);

    private static Task<Answer> TryFromAsync(
        string? forwardedFor, Account account, string secret, string user = Account.Writer, CancellationToken cancellation = default)
        => account.SendAsync(
            HttpMethod.Get,
            $"/sessions/{Guid.Empty}",
            authorization: Account.Basic(user, secret),
            cancellation: cancellation,
            headers: forwardedFor is null ? [] : [("X-Forwarded-For", forwardedFor)]);

    /// <summary>Behind no other proxy, as in Azure without Front Door. The caller is the address that connects.</summary>
    public sealed class WithoutAnotherProxy(Server server) : IClassFixture<Server>
    {
        [Fact]
        public async Task A_caller_cannot_choose_its_address_with_X_Forwarded_For()
        {
            server.Time.Stop();
            var account = await server.NewAccountAsync();
            for (var guess = 0; guess < FailuresOnAccount; guess++)
                Assert.Equal(HttpStatusCode.Unauthorized, (await TryFromAsync(NewCaller(), account, $"wrong{guess}")).Status);

            Assert.Equal(HttpStatusCode.TooManyRequests, (await TryFromAsync($"{NewCaller()}:443", account, "wrong")).Status);
        }
    }

    /// <summary>The caller is the address in the entry before LocalHost's own.</summary>
    public sealed class ProxiedServer(AzuriteFixture azurite) : Server(azurite)
    {
        protected override IEnumerable<string> Settings => ["--Sessions:TrustedProxies=2"];
    }
}
