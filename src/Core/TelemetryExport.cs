using System.Runtime.CompilerServices;
using Azure.Identity;
using Azure.Monitor.OpenTelemetry.Exporter;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using OpenTelemetry;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace Sessions;

/// <summary>Exports <see cref="Telemetry"/>.</summary>
public static class TelemetryExport
{
    private const string AzureMonitor = "APPLICATIONINSIGHTS_CONNECTION_STRING";
    private const string AzureMonitorAuthentication = "APPLICATIONINSIGHTS_AUTHENTICATION_STRING";
    private const string Otlp = "OTEL_EXPORTER_OTLP_ENDPOINT";
    private const string Sampler = "OTEL_TRACES_SAMPLER";

    /// <summary>
    /// Exports traces and metrics to Azure Monitor if <c>APPLICATIONINSIGHTS_CONNECTION_STRING</c> is set. Exports traces, metrics and logs
    /// by OTLP if <c>OTEL_EXPORTER_OTLP_ENDPOINT</c> is set. If neither is set, it registers nothing.
    /// </summary>
    public static IServiceCollection AddSessionsTelemetry(this IServiceCollection services, IConfiguration configuration)
    {
        if (configuration[AzureMonitor] is { Length: > 0 } || configuration[Otlp] is { Length: > 0 })
            Export(services, configuration);
        return services;
    }

    // Not inlined, so that OpenTelemetry's assemblies are loaded only when this method is called.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Export(IServiceCollection services, IConfiguration configuration)
    {
        // LocalHost's requests come from the web server's source. In Azure the Functions host exports its own requests.
        var telemetry = services.AddOpenTelemetry()
            .ConfigureResource(resource => resource.AddService(
                configuration["OTEL_SERVICE_NAME"] is { Length: > 0 } name ? name : configuration["WEBSITE_SITE_NAME"] ?? "sessions"))
            .WithTracing(tracing => tracing.AddSource(Telemetry.Name, "Microsoft.AspNetCore"))
            .WithMetrics(metrics => metrics.AddMeter(Telemetry.Name));

        // The Functions host can pass on a request as not sampled. The default samplers would drop such a request.
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
                    options.TracesPerSecond = null; // By default its own sampler limits traces to 5 per second, before any other sampler.
                if (configuration[AzureMonitorAuthentication]?.Contains("Authorization=AAD", StringComparison.OrdinalIgnoreCase) == true)
                    options.Credential = new DefaultAzureCredential();
            }
        }

        if (configuration[Otlp] is { Length: > 0 })
            telemetry.UseOtlpExporter();
    }
}
