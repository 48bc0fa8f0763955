using Microsoft.Extensions.DependencyInjection.Extensions;
using Sessions.Gateway.Network;
using Sessions.Security;
using Sessions.Storage;

namespace Sessions.Gateway;

/// <summary>Registers the gateway, in its own program or in another one.</summary>
public static class GatewayRegistration
{
    /// <summary>Registers the services of the gateway.</summary>
    /// <exception cref="InvalidConfigurationException">A setting of the gateway is not valid.</exception>
    public static IServiceCollection AddGateway(this IServiceCollection services, IConfiguration configuration)
    {
        services.AddSingleton(GatewayOptions.Read(configuration));

        // This category logs URLs at Information, and the URLs of devices contain their tokens.
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

    /// <summary>Serves devices. Other requests go to the next middleware.</summary>
    public static IApplicationBuilder UseGateway(this IApplicationBuilder app)
    {
        // Created with the first device, because the code that reads tokens is slow to load and startup should be fast.
        var endpoint = new Lazy<DeviceEndpoint>(app.ApplicationServices.GetRequiredService<DeviceEndpoint>);
        return app.UseWebSockets().Use((http, next) => DeviceEndpoint.VersionOf(http) is null ? next(http) : endpoint.Value.InvokeAsync(http));
    }
}
