using Azure;
using Sessions.Model;
using Sessions.Security;
using Sessions.Storage;
using Sessions.Tests.Simulation;

namespace Sessions.Tests;

/// <summary>The credentials that are cached when there are more than the cache holds, over tables in memory.</summary>
public sealed class CredentialCacheTests
{
    private static readonly AccountId Account = AccountId.Parse("account");

    private readonly SimulatedRows _rows = new();
    private readonly Clock _time = new();
    private readonly CredentialStore _credentials;
    private readonly Authenticator _authenticator;
    private int _calls;

    public CredentialCacheTests()
    {
        _time.Stop();
        var options = TestOptions.Default;
        var tables = new Tables(name => new SimulatedTable(name, call =>
        {
            _calls++;
            return Task.FromResult(_rows.Execute(call, new ETag($"{_calls}")));
        }));
        _credentials = new(tables, _time);
        _authenticator = new(_credentials, new GuessLimiter(_time), options, _time);
    }

    [Fact]
    public async Task A_full_cache_evicts_the_credential_that_was_verified_longest_ago()
    {
        for (var user = 0; user <= Authenticator.MaxRemembered; user++)
            await _credentials.AddAsync(Account, $"{user}", new(BasicCredentials.Hash(Server.Secret), Access.Read), CancellationToken.None);
        for (var user = 0; user < Authenticator.MaxRemembered; user++)
            Assert.Equal((Access.Read, 1), await VerifyAsync(user));
        for (var user = 0; user < Authenticator.MaxRemembered; user++)
            Assert.Equal((Access.Read, 0), await VerifyAsync(user));

        // The first credential is verified again and becomes the newest. One more credential then replaces the second.
        _time.Advance(Authenticator.MemoryLifetime);
        Assert.Equal((Access.Read, 1), await VerifyAsync(0));
        Assert.Equal((Access.Read, 1), await VerifyAsync(Authenticator.MaxRemembered));

        // A caller with a cached credential does not count as guessing.
        for (var guess = 0; guess < GuessLimiter.FailuresOnAccount; guess++)
            Assert.Equal((null, 1), await VerifyAsync(0, $"wrong{guess}"));
        Assert.Equal((null, 0), await VerifyAsync(1));
        Assert.Equal((Access.Read, 1), await VerifyAsync(2));
        Assert.Equal((Access.Read, 1), await VerifyAsync(Authenticator.MaxRemembered - 1));
        Assert.Equal((Access.Read, 0), await VerifyAsync(0));
        Assert.Equal((Access.Read, 0), await VerifyAsync(Authenticator.MaxRemembered));
    }

    [Theory]
    [InlineData(30)] // Shorter than an entry is cached.
    [InlineData(90)]
    public async Task A_previous_secret_is_cached_until_it_expires_and_for_a_minute_at_most(int keptSeconds)
    {
        var kept = TimeSpan.FromSeconds(keptSeconds);
        await _credentials.AddAsync(Account, "0", new(BasicCredentials.Hash("previous"), Access.Read), CancellationToken.None);
        await _credentials.RotateAsync(Account, "0", BasicCredentials.Hash(Server.Secret), kept, CancellationToken.None);
        Assert.Equal((Access.Read, 1), await VerifyAsync(0, "previous"));

        var cached = kept < Authenticator.MemoryLifetime ? kept : Authenticator.MemoryLifetime;
        _time.Advance(cached - TimeSpan.FromTicks(1));
        Assert.Equal((Access.Read, 0), await VerifyAsync(0, "previous"));
        _time.Advance(TimeSpan.FromTicks(1));
        Assert.Equal((kept > cached ? Access.Read : null, 1), await VerifyAsync(0, "previous"));

        _time.Advance(kept - cached);
        Assert.Equal((null, 1), await VerifyAsync(0, "previous"));
        Assert.Equal((Access.Read, 1), await VerifyAsync(0));
    }

    private async Task<(Access? Access, int StorageCalls)> VerifyAsync(int user, string secret = Server.Secret)
    {
        var before = _calls;
        var result = await _authenticator.AuthenticateAsync(
            Account, Tests.Account.Basic($"{user}", secret), () => Caller.Parse("192.0.2.1"), CancellationToken.None);
        return (result.Access, _calls - before);
    }
}
