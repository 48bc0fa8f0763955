using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Sessions.Events;
using Sessions.Http;
using Sessions.Security;
using Sessions.Storage;
using Sessions.Webhooks;

namespace Sessions;

/// <summary>Registers the services of the functions, for every host.</summary>
public static class ServiceRegistration
{
    /// <summary>Registers the services of the functions.</summary>
    /// <exception cref="InvalidConfigurationException">A setting is missing or invalid.</exception>
    public static IServiceCollection AddSessions(this IServiceCollection services, IConfiguration configuration)
    {
        services.AddSingleton(SessionsOptions.Read(configuration));
        services.TryAddSingleton(TimeProvider.System);
        services.AddTables().AddEventQueue();
        services.AddEvents();
        services.AddSingleton<SessionStore>();
        services.AddSingleton<ParticipantStore>();
        services.TryAddSingleton<MembershipHints>();
        services.AddSingleton<MembershipStore>();
        services.AddSingleton<CredentialStore>();
        services.AddSingleton(provider => new Sweeper(
            provider.GetRequiredService<Tables>(),
            provider.GetRequiredService<SessionsOptions>().EventRetention,
            provider.GetRequiredService<TimeProvider>(),
            provider.GetRequiredService<EventQueue>()));
        services.AddWebhooks();
        services.AddSingleton<TableCheck>();
        services.AddSingleton<GuessLimiter>();
        services.AddSingleton<Authenticator>();
        services.TryAddSingleton<SigningKey>();
        services.TryAddSingleton<ParticipantTokens>();
        services.AddSingleton<RequestPipeline>();
        return services;
    }
}
