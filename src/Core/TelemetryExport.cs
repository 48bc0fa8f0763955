using System.Runtime.CompilerServices;
using Azure.Identity;
using Azure.Monitor.OpenTelemetry.Exporter;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using OpenTelemetry;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace Sessions;

/// <summary>Where <see cref="Telemetry"/> goes.</summary>
public static class TelemetryExport
{
    private const string AzureMonitor = "APPLICATIONINSIGHTS_CONNECTION_STRING";
    private const string AzureMonitorAuthentication = "APPLICATIONINSIGHTS_AUTHENTICATION_STRING";
    private const string Otlp = "OTEL_EXPORTER_OTLP_ENDPOINT";
    private const string Sampler = "OTEL_TRACES_SAMPLER";

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
                configuration["OTEL_SERVICE_NAME"] is { Length: > 0 } name ? name : configuration["WEBSITE_SITE_NAME"] ?? "sessions"))
            .WithTracing(tracing => tracing.AddSource(Telemetry.Name, "Microsoft.AspNetCore"))
            .WithMetrics(metrics => metrics.AddMeter(Telemetry.Name));

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
