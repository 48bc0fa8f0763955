using System.Collections.Concurrent;
using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Sessions.LocalHost;

namespace Sessions.Tests;

/// <summary>LocalHost's calls to an emulator during many concurrent requests.</summary>
public sealed class EmulatorLimitTests
{
    [Fact]
    public async Task Hundreds_of_concurrent_requests_make_at_most_32_concurrent_storage_calls()
    {
        var (calls, most, all) = (0, 0, new TaskCompletionSource());
        var connections = new ConcurrentDictionary<string, bool>();
        await using var emulator = Builder().Build();
        emulator.Run(async http =>
        {
            connections[http.Connection.Id] = true;
            InterlockedMax(ref most, Interlocked.Increment(ref calls));
            if (most >= 32)
                all.TrySetResult();
            await all.Task.WaitAsync(http.RequestAborted);
            await Task.Delay(10);
            Interlocked.Decrement(ref calls);
            http.Response.StatusCode = StatusCodes.Status404NotFound;
            http.Response.Headers["x-ms-error-code"] = "ResourceNotFound";
        });
        await emulator.StartAsync();
        await using var localHost = LocalHostProgram.Build(Builder(
            $"--Sessions:StorageConnectionString=AccountName=a;AccountKey=c2VjcmV0;TableEndpoint={emulator.Urls.First()}/a",
            $"--Sessions:TokenSigningKey={ApiServer.TokenSigningKey}",
            "--Sessions:TrustedProxies=2"));
        await localHost.StartAsync();
        using var http = new HttpClient { BaseAddress = new(localHost.Urls.First()) };

        // Each request has its own caller and a credential that is not cached, so it makes one storage call.
        var answers = await Task.WhenAll(Enumerable.Range(0, 300).Select(caller =>
        {
            var request = new HttpRequestMessage(HttpMethod.Get, $"/v1/accounts/account/sessions/{Guid.Empty}");
            request.Headers.TryAddWithoutValidation("Authorization", Account.Basic($"user{caller}", "secret"));
            request.Headers.TryAddWithoutValidation("X-Forwarded-For", $"10.0.{caller / 100}.{caller % 100}");
            return http.SendAsync(request);
        }));

        Assert.All(answers, answer => Assert.Equal(HttpStatusCode.Unauthorized, answer.StatusCode));
        Assert.Equal(32, most);

        // A call may begin shortly before the connection of a completed call is free again.
        Assert.InRange(connections.Count, 1, 2 * most);
    }

    private static WebApplicationBuilder Builder(params string[] settings)
    {
        var builder = WebApplication.CreateSlimBuilder(["--urls=http://127.0.0.1:0", .. settings]);
        builder.Logging.ClearProviders();
        return builder;
    }

    private static void InterlockedMax(ref int most, int value)
    {
        for (var seen = most; value > seen; seen = most)
            Interlocked.CompareExchange(ref most, value, seen);
    }
}
