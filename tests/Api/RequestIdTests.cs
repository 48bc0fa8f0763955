using System.Collections.Concurrent;
using System.Diagnostics;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace Sessions.Tests;

/// <summary>LocalHost with a trace context for each request, as the Functions host has with Application Insights.</summary>
public sealed class RequestIdTests(Server server) : RequestIdSuite(server), IClassFixture<Server>;

/// <summary>LocalHost without trace contexts, as the Functions host has none without Application Insights.</summary>
public sealed class RequestIdWithoutTraceContextTests(UntracedServer server) : RequestIdSuite(server), IClassFixture<UntracedServer>
{
    [Fact]
    public async Task Without_a_traceparent_the_request_id_is_the_trace_id_of_the_servers_activity()
    {
        var traces = new ConcurrentBag<string>();
        using var listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name == Telemetry.Name,
            Sample = (ref _) => ActivitySamplingResult.AllData,
            ActivityStarted = activity => traces.Add(activity.TraceId.ToHexString()),
        };
        ActivitySource.AddActivityListener(listener);

        Assert.Contains(await RequestIdAsync(), traces);
    }
}

/// <summary>A server whose requests have no activity.</summary>
public sealed class UntracedServer(AzuriteFixture azurite) : Server(azurite), IStartupFilter
{
    Action<IApplicationBuilder> IStartupFilter.Configure(Action<IApplicationBuilder> next) => app =>
    {
        app.Use((HttpContext http, RequestDelegate handle) =>
        {
            Activity.Current = null;
            return handle(http);
        });
        next(app);
    };

    protected override void Configure(IServiceCollection services) => services.AddSingleton<IStartupFilter>(this);
}

/// <summary>The request id is the caller's trace id.</summary>
public abstract class RequestIdSuite(Server server)
{
    private const string TraceId = "0af7651916cd43dd8448eb211c80319c";

    [Theory]
    [InlineData($"00-{TraceId}-b7ad6b7169203331-01")]
    [InlineData($"00-{TraceId}-b7ad6b7169203331-00")]
    public async Task The_request_id_is_the_trace_id_of_the_traceparent(string traceParent)
        => Assert.Equal(TraceId, await RequestIdAsync(("traceparent", traceParent), ("tracestate", "vendor=1")));

    [Theory]
    [InlineData("")]
    [InlineData(TraceId)]
    [InlineData($"00-{TraceId}-b7ad6b7169203331")]
    [InlineData($"ff-{TraceId}-b7ad6b7169203331-01")]
    [InlineData("00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01")]
    [InlineData("00-00000000000000000000000000000000-b7ad6b7169203331-01")]
    [InlineData($"00-{TraceId}-b7ad6b7169203331-01,00-{TraceId}-b7ad6b7169203331-01")]
    public async Task A_malformed_traceparent_is_ignored(string traceParent)
    {
        var requestId = await RequestIdAsync(("traceparent", traceParent));

        Assert.Matches("^[0-9a-f]{32}$", requestId);
        Assert.NotEqual(TraceId, requestId);
        Assert.NotEqual(default(ActivityTraceId).ToHexString(), requestId);
    }

    [Fact]
    public async Task Without_a_traceparent_each_request_has_its_own_id()
        => Assert.NotEqual(await RequestIdAsync(), await RequestIdAsync());

    private protected async Task<string> RequestIdAsync(params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/nothing");
        foreach (var (name, value) in headers)
            request.Headers.TryAddWithoutValidation(name, value);

        using var response = await server.Http.SendAsync(request);

        return response.Headers.GetValues("x-request-id").Single();
    }
}
