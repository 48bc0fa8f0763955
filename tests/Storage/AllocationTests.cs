using Azure.Data.Tables;
using Microsoft.Extensions.DependencyInjection;
using Sessions.Security;
using Sessions.Storage;
using Sessions.Testing;

namespace Sessions.Tests;

/// <summary>
/// The bytes that a request allocates in addition to its table call, with storage that responds synchronously on the caller's thread.
/// LocalHost's own routing is included, and the web server is not.
/// </summary>
public sealed class AllocationTests : IAsyncLifetime
{
    private const int KiB = 1024;

    private readonly InMemorySessions _sessions = new();

    public ValueTask InitializeAsync() => default;

    [Fact]
    public async Task GetSession_allocates_at_most_6_KiB()
        => Assert.InRange(
            await OfAsync(_sessions.Request("GET", InMemorySessions.SessionPath).SendAsync) - await OfBareReadAsync(Keys.Header), 0, 6 * KiB);

    [Fact]
    public async Task GetParticipantSubscriptions_allocates_at_most_8_KiB()
        => Assert.InRange(
            await OfAsync(_sessions.Request("GET", InMemorySessions.SubscriptionsPath).SendAsync)
                - await OfBareReadAsync(Keys.Member(InMemorySessions.Participant)),
            0,
            8 * KiB);

    [Fact]
    public async Task Checking_a_cached_credential_allocates_nothing()
    {
        await _sessions.Request("GET", InMemorySessions.SessionPath).SendAsync();
        var authenticator = _sessions.Services.GetRequiredService<Authenticator>();
        Func<Caller> caller = () => throw new InvalidOperationException("Nobody has to know who calls.");
        Assert.Equal(0, await OfAsync(() =>
        {
            var authenticating = authenticator.AuthenticateAsync(InMemorySessions.Account, InMemorySessions.Authorization, caller, CancellationToken.None);
            Assert.True(authenticating.IsCompletedSuccessfully && authenticating.Result.Access == Access.Write);
            return Task.CompletedTask;
        }));
    }

    public ValueTask DisposeAsync() => _sessions.DisposeAsync();

    private Task<long> OfBareReadAsync(string rowKey)
        => OfAsync(() => _sessions.Tables.Sessions.GetEntityIfExistsAsync<TableEntity>(
            Keys.Partition(InMemorySessions.Account, InMemorySessions.Session), rowKey));

    /// <summary>
    /// The mean of a thousand calls, after a thousand calls that fill pools and caches. It is measured three times, and the smallest
    /// counts, because the listeners of other tests for activities and metrics add to it.
    /// </summary>
    private static async Task<long> OfAsync(Func<Task> call)
    {
        const int Calls = 1000;
        await RepeatAsync();
        var smallest = long.MaxValue;
        for (var time = 0; time < 3; time++)
            smallest = Math.Min(smallest, await RepeatAsync() / Calls);
        return smallest;

        async Task<long> RepeatAsync()
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            for (var i = 0; i < Calls; i++)
            {
                var called = call();
                Assert.True(called.IsCompleted, "A call left the caller's thread.");
                await called;
            }

            return GC.GetAllocatedBytesForCurrentThread() - before;
        }
    }
}
