using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Runtime.CompilerServices;
using Azure.Identity;
using Azure.Monitor.OpenTelemetry.Exporter;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using OpenTelemetry;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace Sessions;

/// <summary>
/// What the functions measure and trace, and where it goes. docs/operate.md has what each means. No tag names an account,
/// a user, or anything that a caller chose.
/// </summary>
public static class Telemetry
{
    /// <summary>The name of the activity source and of the meter.</summary>
    public const string Name = "Sessions";

    private const string AzureMonitor = "APPLICATIONINSIGHTS_CONNECTION_STRING";
    private const string AzureMonitorAuthentication = "APPLICATIONINSIGHTS_AUTHENTICATION_STRING";
    private const string Otlp = "OTEL_EXPORTER_OTLP_ENDPOINT";
    private const string Sampler = "OTEL_TRACES_SAMPLER";

    /// <summary>An activity for each request, and in it one for each try of a storage call.</summary>
    internal static readonly ActivitySource Source = new(Name);

    private static readonly Meter Meter = new(Name);

    /// <summary>By operation and status; its count is the number of requests.</summary>
    internal static readonly Histogram<double> RequestDuration = Meter.CreateHistogram(
        "sessions.request.duration",
        "s",
        "How long requests took.",
        advice: new InstrumentAdvice<double>
        {
            HistogramBucketBoundaries = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 25],
        });

    /// <summary>By table, method and status; the status is 0 when there was no answer.</summary>
    internal static readonly Counter<long> StorageCalls = Meter.CreateCounter<long>(
        "sessions.storage.calls", "{call}", "Calls to Table Storage; each try counts.");

    internal static readonly Counter<long> ConflictsRetried = Meter.CreateCounter<long>(
        "sessions.conflicts.retried", "{retry}", "How often a request tried again after it met another change or a fault.");

    internal static readonly Counter<long> ClaimsFenced = Meter.CreateCounter<long>(
        "sessions.claims.fenced", "{fence}", "Headers rewritten because of a claim without a member.");

    /// <summary>By operation.</summary>
    internal static readonly Counter<long> AuthenticationFailures = Meter.CreateCounter<long>(
        "sessions.authentication.failures", "{request}", "Requests answered 401.");

    /// <summary>By operation.</summary>
    internal static readonly Counter<long> RequestsRateLimited = Meter.CreateCounter<long>(
        "sessions.requests.rate_limited", "{request}", "Requests answered 429.");

    /// <summary>
    /// Exports traces and metrics to Azure Monitor when <c>APPLICATIONINSIGHTS_CONNECTION_STRING</c> is set, and those and
    /// the logs by OTLP when <c>OTEL_EXPORTER_OTLP_ENDPOINT</c> is. With neither, nothing is registered.
    /// </summary>
    public static IServiceCollection AddSessionsTelemetry(this IServiceCollection services, IConfiguration configuration)
    {
        if (configuration[AzureMonitor] is { Length: > 0 } || configuration[Otlp] is { Length: > 0 })
            Export(services, configuration);
        return services;
    }

    // Not inlined, so that OpenTelemetry's assemblies are loaded only when it is called.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Export(IServiceCollection services, IConfiguration configuration)
    {
        // The web server's source gives LocalHost's requests; in Azure the Functions host sends its own.
        var telemetry = services.AddOpenTelemetry()
            .ConfigureResource(resource => resource.AddService(
                configuration["OTEL_SERVICE_NAME"] ?? configuration["WEBSITE_SITE_NAME"] ?? "sessions"))
            .WithTracing(tracing => tracing.AddSource(Name, "Microsoft.AspNetCore"))
            .WithMetrics(metrics => metrics.AddMeter(Name));

        // The Functions host can hand requests on as not sampled, and the default samplers would drop those.
        var traceAll = configuration[Sampler] is not { Length: > 0 };
        if (traceAll)
            telemetry.WithTracing(tracing => tracing.SetSampler(new AlwaysOnSampler()));

        if (configuration[AzureMonitor] is { Length: > 0 } connectionString)
        {
            telemetry
                .WithTracing(tracing => tracing.AddAzureMonitorTraceExporter(Connect))
                .WithMetrics(metrics => metrics.AddAzureMonitorMetricExporter(Connect));

            void Connect(AzureMonitorExporterOptions options)
            {
                options.ConnectionString = connectionString;
                if (traceAll)
                    options.TracesPerSecond = null; // Its own sampler, of 5 unless told otherwise, comes before any other.
                if (configuration[AzureMonitorAuthentication]?.Contains("Authorization=AAD", StringComparison.OrdinalIgnoreCase) == true)
                    options.Credential = new DefaultAzureCredential();
            }
        }

        if (configuration[Otlp] is { Length: > 0 })
            telemetry.UseOtlpExporter();
    }
}
