using System.Collections.Concurrent;
using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Globalization;
using System.IO.Compression;
using System.Net;
using System.Text;
using Azure;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using OpenTelemetry.Metrics;
using OpenTelemetry.Trace;

namespace Sessions.Tests;

/// <summary>The metrics, traces and LocalHost log entries of requests, and their export.</summary>
public sealed class TelemetryTests(TelemetryTests.TimedServer server) : IClassFixture<TelemetryTests.TimedServer>
{
    [Fact]
    public async Task The_duration_of_a_request_is_measured_in_seconds_by_operation_and_status()
    {
        var account = await server.NewWarmAccountAsync();
        using var observed = new Observed(account);

        server.Faults.Choose = _ =>
        {
            server.Stopwatch.Elapsed += TimeSpan.FromSeconds(1.5);
            return StorageFault.None;
        };

        await observed.SendAsync(HttpMethod.Get, $"/sessions/{Guid.Empty}");

        server.Faults.Choose = _ => StorageFault.None;
        Assert.Equal(("operation=GetSession status=404", 1.5), Assert.Single(observed.Of("sessions.request.duration", "s")));
    }

    [Fact]
    public async Task Storage_calls_are_counted_by_table_method_and_status()
    {
        var account = await server.NewWarmAccountAsync();
        var session = await account.CreateSessionAsync();
        using var observed = new Observed(account);

        await observed.SendAsync(HttpMethod.Delete, $"/sessions/{session}");

        Assert.Equal(
            ["table=sessions method=GET status=200", "table=sessions method=POST status=202"],
            observed.Of("sessions.storage.calls", "{call}").Select(call => call.Tags));
    }

    [Fact]
    public async Task A_storage_call_without_a_response_is_counted_along_with_its_retry()
    {
        var account = await server.NewWarmAccountAsync();
        var (session, participant) = (await account.CreateSessionAsync(), await account.CreateParticipantAsync());
        using var observed = new Observed(account);
        var claims = 0;
        server.Faults.Choose = request => Activity.Current?.TraceId == observed.TraceId && request.Method.Method == "PATCH" && claims++ == 0
            ? StorageFault.Refused
            : StorageFault.None;

        (await observed.SendAsync(HttpMethod.Put, $"/sessions/{session}/participants/{participant}")).Is(HttpStatusCode.NoContent);

        server.Faults.Choose = _ => StorageFault.None;
        Assert.Contains("table=participants method=PATCH status=0", observed.Of("sessions.storage.calls", "{call}").Select(call => call.Tags));
        Assert.Equal(("", 1), Assert.Single(observed.Of("sessions.conflicts.retried", "{retry}")));
    }

    [Fact]
    public async Task A_fence_against_a_stale_claim_is_counted()
    {
        var account = await server.NewWarmAccountAsync();
        var (left, participant) = await account.CreateMemberAsync();
        var next = await account.CreateSessionAsync();

        // The state after a crash between leaving and clearing the claim.
        await account.LeaveBehindAClaimAsync(left, participant);
        using var observed = new Observed(account);

        (await observed.SendAsync(HttpMethod.Put, $"/sessions/{next}/participants/{participant}")).Is(HttpStatusCode.NoContent);

        Assert.Equal(("", 1), Assert.Single(observed.Of("sessions.claims.fenced", "{fence}")));
    }

    [Fact]
    public async Task Failed_authentications_and_rate_limited_requests_are_counted_separately()
    {
        var account = await server.NewAccountAsync();
        using var observed = new Observed(account);

        for (var guess = 0; guess < 11; guess++)
            await observed.SendAsync(HttpMethod.Get, $"/sessions/{Guid.Empty}", Account.Basic(Account.Writer, "wrong"));

        Assert.Equal(10, observed.Of("sessions.authentication.failures", "{request}").Count(failure => failure == ("operation=GetSession", 1)));
        Assert.Equal(("operation=GetSession", 1), Assert.Single(observed.Of("sessions.requests.rate_limited", "{request}")));
    }

    [Fact]
    public async Task A_trace_continues_the_callers_trace_and_contains_the_storage_calls_of_the_request()
    {
        var account = await server.NewWarmAccountAsync();
        var (session, participant) = await account.CreateMemberAsync();
        using var observed = new Observed(account);

        var answer = await observed.SendAsync(HttpMethod.Delete, $"/sessions/{session}/participants/{participant}");

        Assert.Equal(observed.TraceId.ToHexString(), answer.RequestId);
        var request = Assert.Single(observed.Activities, activity => activity.OperationName == "RemoveParticipantFromSession");
        Assert.Equal(204, request.GetTagItem("http.response.status_code"));
        var calls = observed.Activities.Where(activity => activity != request).ToArray();
        Assert.All(calls, call => Assert.Equal((request.SpanId, ActivityKind.Client), (call.ParentSpanId, call.Kind)));
        Assert.Equal(
            ["GET participants", "GET sessions", "PATCH participants", "POST sessions"],
            calls.Select(call => call.OperationName).Order(StringComparer.Ordinal));
        Assert.All(calls, call => Assert.Equal(
            ($"{call.GetTagItem("http.request.method")} {call.GetTagItem("db.collection.name")}", "127.0.0.1"),
            (call.OperationName, call.GetTagItem("server.address"))));
        Assert.DoesNotContain(
            observed.Activities.SelectMany(activity => activity.TagObjects),
            tag => $"{tag.Value}".Contains(account.Id, StringComparison.Ordinal) || $"{tag.Value}".Contains(session, StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_storage_call_is_an_error_in_the_trace_only_without_a_response_or_with_a_5xx()
    {
        var account = await server.NewWarmAccountAsync();
        var (session, participant) = (await account.CreateSessionAsync(), await account.CreateParticipantAsync());
        using var observed = new Observed(account);
        var claims = new Queue<StorageFault>([StorageFault.Refused, StorageFault.ErrorBefore]);
        server.Faults.Choose = request => request.Method.Method == "PATCH" && claims.TryDequeue(out var fault) ? fault : StorageFault.None;

        await observed.SendAsync(HttpMethod.Put, $"/sessions/{session}/participants/{participant}");
        await observed.SendAsync(HttpMethod.Get, $"/sessions/{Guid.Empty}");

        server.Faults.Choose = _ => StorageFault.None;
        Assert.Equal(
            [
                "GET participants 200 Unset", "GET sessions 200 Unset", "GET sessions 404 Unset", "PATCH participants 0 Error",
                "PATCH participants 204 Unset", "PATCH participants 500 Error", "POST sessions 202 Unset",
            ],
            observed.Spans(ActivityKind.Client).Distinct().Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task A_request_is_an_error_in_the_trace_only_with_a_5xx()
    {
        var account = await server.NewWarmAccountAsync();
        using var observed = new Observed(account);

        await observed.SendAsync(HttpMethod.Post, "/sessions");
        await observed.SendAsync(HttpMethod.Get, $"/sessions/{Guid.Empty}");
        await observed.SendAsync(HttpMethod.Get, $"/sessions/{Guid.Empty}", "Basic wrong");
        foreach (var status in new[] { 403, 503 })
        {
            server.StorageCalls.Fault = () => new RequestFailedException(status, "internal text");
            await observed.SendAsync(HttpMethod.Get, $"/sessions/{Guid.Empty}");
        }

        server.StorageCalls.Fault = () => null;
        Assert.Equal(
            ["CreateSession 200 Unset", "GetSession 404 Unset", "GetSession 401 Unset", "GetSession 500 Error", "GetSession 503 Error"],
            observed.Spans(ActivityKind.Internal));
    }

    [Fact]
    public async Task LocalHost_logs_one_line_per_request_without_the_query_string()
    {
        var account = await server.NewWarmAccountAsync();

        var answer = await account.GetAsync("/sessions/a%0Ab?query=of-the-caller");

        // The line is written after the response.
        await Eventually.IsAsync(1, () => Lines().Count());
        Assert.Matches($"^Information GET {account.Path}/sessions/a%0Ab 404 [0-9]+ ms, request [0-9a-f]{{32}} $", Lines().Single());

        IEnumerable<string> Lines() => CapturedLogs.All.Where(
            line => line.EndsWith($"request {answer.RequestId} ", StringComparison.Ordinal) && line.Contains(" GET ", StringComparison.Ordinal));
    }

    [Fact]
    public void Without_a_telemetry_destination_nothing_is_registered()
        => Assert.Empty(new ServiceCollection().AddSessionsTelemetry(new ConfigurationBuilder().Build()));

    [Theory]
    [InlineData("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")]
    [InlineData(
        "APPLICATIONINSIGHTS_CONNECTION_STRING",
        "InstrumentationKey=00000000-0000-0000-0000-000000000001;IngestionEndpoint=http://127.0.0.1:9/")]
    public void With_a_telemetry_destination_metrics_and_a_trace_of_every_request_are_recorded(string setting, string value)
    {
        var configuration = new ConfigurationBuilder().AddInMemoryCollection(
            [new(setting, value), new("APPLICATIONINSIGHTS_AUTHENTICATION_STRING", "Authorization=AAD")]).Build();

        using var services = new ServiceCollection().AddSingleton<IConfiguration>(configuration).AddSessionsTelemetry(configuration).BuildServiceProvider();

        Assert.NotNull(services.GetService<TracerProvider>());
        Assert.NotNull(services.GetService<MeterProvider>());
        for (var request = 0; request < 100; request++)
        {
            var notSampled = new ActivityContext(ActivityTraceId.CreateRandom(), ActivitySpanId.CreateRandom(), ActivityTraceFlags.None, isRemote: true);
            using var activity = Telemetry.Source.StartActivity("request", ActivityKind.Internal, notSampled);
            Assert.True(activity?.Recorded);
        }
    }

    [Fact]
    public async Task OTLP_exports_traces_and_metrics_without_account_ids()
    {
        using var collector = new Collector();
        var configuration = new ConfigurationBuilder().AddInMemoryCollection(
        [
            new("OTEL_EXPORTER_OTLP_ENDPOINT", collector.Url),
            new("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"),
            // A deployment leaves settings without a chosen value empty.
            new("OTEL_EXPORTER_OTLP_HEADERS", ""),
            new("OTEL_SERVICE_NAME", ""),
            new("OTEL_TRACES_SAMPLER", ""),
            new("OTEL_TRACES_SAMPLER_ARG", ""),
            new("WEBSITE_SITE_NAME", "func-sessions-check"),
        ]).Build();
        await using var services = new ServiceCollection().AddSingleton<IConfiguration>(configuration).AddSessionsTelemetry(configuration).BuildServiceProvider();
        var (traces, metrics) = (services.GetRequiredService<TracerProvider>(), services.GetRequiredService<MeterProvider>());
        var account = await server.NewAccountAsync("account-that-is-not-exported");
        var trace = Guid.NewGuid();

        // Not sampled, as the Functions host passes a request on.
        await account.SendAsync(HttpMethod.Get, $"/sessions/{Guid.Empty}", headers: ("traceparent", $"00-{trace:N}-00f067aa0ba902b7-00"));

        Assert.True(traces.ForceFlush());
        Assert.True(metrics.ForceFlush());
        Assert.Contains("GetSession", collector.Received["/v1/traces"], StringComparison.Ordinal);
        Assert.Contains("func-sessions-check", collector.Received["/v1/traces"], StringComparison.Ordinal);
        Assert.Contains(Encoding.Latin1.GetString(trace.ToByteArray(bigEndian: true)), collector.Received["/v1/traces"], StringComparison.Ordinal);
        Assert.Contains("sessions.request.duration", collector.Received["/v1/metrics"], StringComparison.Ordinal);
        Assert.Equal(["/v1/metrics", "/v1/traces"], collector.Received.Keys.Order(StringComparer.Ordinal));
        Assert.DoesNotContain(account.Id, string.Concat(collector.Received.Values), StringComparison.Ordinal);
    }

    [Fact]
    public async Task With_Azure_Monitor_traces_and_metrics_are_sent_to_no_other_collector()
    {
        using var azureMonitor = new Collector();
        using var otlp = new Collector();
        var configuration = new ConfigurationBuilder().AddInMemoryCollection(
        [
            new("APPLICATIONINSIGHTS_CONNECTION_STRING", $"InstrumentationKey={Guid.NewGuid()};IngestionEndpoint={azureMonitor.Url}"),
            new("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"),
            new("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", $"{otlp.Url}v1/traces"),
            new("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", $"{otlp.Url}v1/metrics"),
        ]).Build();
        await using var services = new ServiceCollection().AddSingleton<IConfiguration>(configuration).AddSessionsTelemetry(configuration).BuildServiceProvider();
        var (traces, metrics) = (services.GetRequiredService<TracerProvider>(), services.GetRequiredService<MeterProvider>());
        var account = await server.NewAccountAsync();
        var trace = ActivityTraceId.CreateRandom();

        await account.SendAsync(HttpMethod.Get, $"/sessions/{Guid.Empty}", headers: ("traceparent", $"00-{trace}-00f067aa0ba902b7-00"));

        Assert.True(traces.ForceFlush());
        Assert.True(metrics.ForceFlush());
        var received = Assert.Single(azureMonitor.Received).Value;
        Assert.Contains(trace.ToHexString(), received, StringComparison.Ordinal);
        Assert.Contains("\"sessions.request.duration\"", received, StringComparison.Ordinal);
        Assert.Empty(otlp.Received);
    }

    /// <summary>The measurements and spans of one trace, which its requests begin as a caller.</summary>
    private sealed class Observed : IDisposable
    {
        private readonly Account _account;
        private readonly MeterListener _meters = new();
        private readonly ActivityListener _activities;
        private readonly ConcurrentQueue<(Instrument Instrument, string Tags, double Value)> _measurements = new();

        public Observed(Account account)
        {
            _account = account;
            _activities = new()
            {
                ShouldListenTo = source => source.Name == Telemetry.Name,
                Sample = (ref options) => options.Parent.TraceId == TraceId ? ActivitySamplingResult.AllData : ActivitySamplingResult.None,
                ActivityStopped = activity =>
                {
                    if (activity.TraceId == TraceId)
                        Activities.Enqueue(activity);
                },
            };
            ActivitySource.AddActivityListener(_activities);
            _meters.InstrumentPublished = (instrument, listener) =>
            {
                if (instrument.Meter.Name == Telemetry.Name)
                    listener.EnableMeasurementEvents(instrument);
            };
            _meters.SetMeasurementEventCallback<long>((instrument, value, tags, _) => Add(instrument, value, tags));
            _meters.SetMeasurementEventCallback<double>((instrument, value, tags, _) => Add(instrument, value, tags));
            _meters.Start();
        }

        public ActivityTraceId TraceId { get; } = ActivityTraceId.CreateRandom();

        public ConcurrentQueue<Activity> Activities { get; } = new();

        public Task<Answer> SendAsync(HttpMethod method, string path, string? authorization = null)
            => _account.SendAsync(
                method, path, authorization: authorization, headers: ("traceparent", $"00-{TraceId}-{ActivitySpanId.CreateRandom()}-01"));

        public IReadOnlyList<(string Tags, double Value)> Of(string name, string unit)
            => [.. from measured in _measurements where measured.Instrument.Name == name && measured.Instrument.Unit == unit select (measured.Tags, measured.Value)];

        /// <summary>The name, HTTP status and status of each activity of one kind, in the order in which they ended.</summary>
        public IEnumerable<string> Spans(ActivityKind kind)
            => from activity in Activities
               where activity.Kind == kind
               select $"{activity.OperationName} {activity.GetTagItem("http.response.status_code")} {activity.Status}";

        public void Dispose()
        {
            _meters.Dispose();
            _activities.Dispose();
        }

        private void Add(Instrument instrument, double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
        {
            if (Activity.Current?.TraceId != TraceId)
                return;

            var text = new StringBuilder();
            foreach (var (name, tag) in tags)
                text.Append(CultureInfo.InvariantCulture, $"{name}={tag} ");
            _measurements.Enqueue((instrument, text.ToString().TrimEnd(), value));
        }
    }

    /// <summary>A server whose requests take a time that the test sets.</summary>
    public sealed class TimedServer(AzuriteFixture azurite) : Server(azurite)
    {
        internal ManualStopwatch Stopwatch { get; } = new();

        protected override void Configure(IServiceCollection services) => services.AddSingleton<TimeProvider>(Stopwatch);
    }

    /// <summary>A stopwatch that only the test advances. The time of day and delays are real.</summary>
    internal sealed class ManualStopwatch : TimeProvider
    {
        public TimeSpan Elapsed { get; set; }

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => Elapsed.Ticks;
    }

    /// <summary>Receives telemetry over HTTP.</summary>
    private sealed class Collector : IDisposable
    {
        private readonly HttpListener _listener = new();

        public Collector()
        {
            using (var port = new System.Net.Sockets.TcpListener(IPAddress.Loopback, 0))
            {
                port.Start();
                Url = $"http://127.0.0.1:{((IPEndPoint)port.LocalEndpoint).Port}/";
            }

            _listener.Prefixes.Add(Url);
            _listener.Start();
            _ = ReceiveAsync();
        }

        public string Url { get; }

        /// <summary>The received data by path. Names and strings are readable in it.</summary>
        public ConcurrentDictionary<string, string> Received { get; } = new();

        public void Dispose() => _listener.Close();

        private async Task ReceiveAsync()
        {
            try
            {
                while (true)
                {
                    var http = await _listener.GetContextAsync();
                    await using var content = http.Request.Headers["Content-Encoding"] == "gzip"
                        ? new GZipStream(http.Request.InputStream, CompressionMode.Decompress)
                        : http.Request.InputStream;
                    using var reader = new StreamReader(content, Encoding.Latin1);
                    var body = await reader.ReadToEndAsync();
                    Received.AddOrUpdate(http.Request.Url!.AbsolutePath, body, (_, before) => before + body);
                    http.Response.Close();
                }
            }
            catch (Exception exception) when (exception is HttpListenerException or ObjectDisposedException)
            {
                // The test has ended.
            }
        }
    }
}
