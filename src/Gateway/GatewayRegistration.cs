using Microsoft.Extensions.DependencyInjection.Extensions;
using Sessions.Gateway.Network;
using Sessions.Security;
using Sessions.Storage;

namespace Sessions.Gateway;

/// <summary>What the gateway needs, in a program of its own or in another.</summary>
public static class GatewayRegistration
{
    /// <summary>Registers the services of the gateway.</summary>
    /// <exception cref="InvalidConfigurationException">A setting of the gateway is wrong.</exception>
    public static IServiceCollection AddGateway(this IServiceCollection services, IConfiguration configuration)
    {
        services.AddSingleton(GatewayOptions.Read(configuration));

        // It logs URLs at Information, and those of devices have their tokens in them.
        services.AddLogging(logging => logging.AddFilter("Microsoft.AspNetCore.Hosting.Diagnostics", LogLevel.Warning));
        services.TryAddSingleton(TimeProvider.System);
        services.TryAddSingleton<MembershipHints>();
        services.TryAddSingleton<SigningKey>();
        services.TryAddSingleton<ParticipantTokens>();
        services.AddSingleton<MediaSockets>();
        services.AddHostedService(provider => provider.GetRequiredService<MediaSockets>());
        services.AddSingleton(provider => provider.GetRequiredService<MediaSockets>().Engine);
        services.AddSingleton<DeviceJournal>();
        services.AddHostedService(provider => provider.GetRequiredService<DeviceJournal>());
        services.AddSingleton<SessionWatch>();
        services.AddHostedService(provider => provider.GetRequiredService<SessionWatch>());
        services.AddSingleton<DeviceEndpoint>();
        services.AddSingleton<GatewayHealth>();
        return services;
    }

    /// <summary>Serves devices; other requests go on.</summary>
    public static IApplicationBuilder UseGateway(this IApplicationBuilder app)
    {
        // Not before the first device comes: what reads tokens takes its time to load, and a start should be fast.
        var endpoint = new Lazy<DeviceEndpoint>(app.ApplicationServices.GetRequiredService<DeviceEndpoint>);
        return app.UseWebSockets().Use((http, next) => DeviceEndpoint.VersionOf(http) is null ? next(http) : endpoint.Value.InvokeAsync(http));
    }
}
