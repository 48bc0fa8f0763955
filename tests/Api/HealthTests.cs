using System.Net;
using Azure;

namespace Sessions.Tests;

/// <summary>The storage cost of health checks, which is one check of the tables per second, whatever the number of callers.</summary>
public sealed class HealthTests : IClassFixture<Server>
{
    private const int CallsOfCheck = 4;

    private readonly Server _server;

    public HealthTests(Server server)
    {
        _server = server;
        server.Time.Stop();
        server.Time.Advance(TimeSpan.FromSeconds(2));
        server.StorageCalls.Clear();
    }

    [Fact]
    public async Task The_tables_are_checked_at_most_once_a_second()
    {
        await HasStatusAsync(HttpStatusCode.OK);
        _server.Time.Advance(TimeSpan.FromSeconds(1));
        await HasStatusAsync(HttpStatusCode.OK);
        Assert.Equal(CallsOfCheck, _server.StorageCalls.Count);

        _server.Time.Advance(TimeSpan.FromMilliseconds(1));
        await HasStatusAsync(HttpStatusCode.OK);
        Assert.Equal(2 * CallsOfCheck, _server.StorageCalls.Count);
    }

    [Fact]
    public async Task Concurrent_requests_share_a_check()
    {
        _server.StorageCalls.Hold = TimeSpan.FromMilliseconds(300);
        await Task.WhenAll(Enumerable.Range(0, 50).Select(_ => HasStatusAsync(HttpStatusCode.OK)));
        _server.StorageCalls.Hold = TimeSpan.Zero;

        Assert.Equal(CallsOfCheck, _server.StorageCalls.Count);
    }

    [Fact]
    public async Task A_failed_check_is_cached_no_longer_than_a_successful_one()
    {
        await HasStatusAsync(HttpStatusCode.OK);
        _server.StorageCalls.Fault = () => new RequestFailedException(503, "Busy.");
        await HasStatusAsync(HttpStatusCode.OK);
        _server.Time.Advance(TimeSpan.FromMilliseconds(1001));
        await HasStatusAsync(HttpStatusCode.ServiceUnavailable);
        _server.StorageCalls.Fault = () => null;
        await HasStatusAsync(HttpStatusCode.ServiceUnavailable);

        _server.Time.Advance(TimeSpan.FromMilliseconds(1001));
        await HasStatusAsync(HttpStatusCode.OK);
    }

    [Fact]
    public async Task A_caller_that_disconnects_does_not_fail_the_check_for_other_callers()
    {
        var (begun, gone) = (new TaskCompletionSource(), new TaskCompletionSource());
        _server.Faults.Slowness = () => gone.Task;
        _server.Faults.Choose = _ =>
        {
            begun.TrySetResult();
            return StorageFault.Slow;
        };
        using var impatience = new CancellationTokenSource();
        var first = _server.Http.GetAsync("/health", impatience.Token);
        await begun.Task.WaitAsync(TimeSpan.FromSeconds(30));
        var second = HasStatusAsync(HttpStatusCode.OK);
        await Task.Delay(TimeSpan.FromMilliseconds(100));
        await impatience.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => first);
        gone.SetResult();
        await second;
        _server.Faults.Choose = _ => StorageFault.None;
    }

    [Theory]
    [InlineData("sessions")]
    [InlineData("participants")]
    [InlineData("credentials")]
    public async Task The_server_is_unhealthy_if_any_table_is_missing(string name)
    {
        await HasStatusAsync(HttpStatusCode.OK);

        await _server.Tables.All.Single(table => table.Name == name).DeleteAsync();
        _server.Time.Advance(TimeSpan.FromSeconds(2));
        await HasStatusAsync(HttpStatusCode.ServiceUnavailable);

        await _server.Tables.CreateAsync(CancellationToken.None);
        _server.Time.Advance(TimeSpan.FromSeconds(2));
        await HasStatusAsync(HttpStatusCode.OK);
    }

    private async Task HasStatusAsync(HttpStatusCode status)
    {
        using var response = await _server.Http.GetAsync("/health");
        Assert.Equal(status, response.StatusCode);
    }
}
