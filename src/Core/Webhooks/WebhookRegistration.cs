using System.Net;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Sessions.Storage;

namespace Sessions.Webhooks;

/// <summary>Registers the services that send webhooks.</summary>
public static class WebhookRegistration
{
    /// <summary>Registers the webhooks. The tables, the log of events and the queue must be registered separately.</summary>
    public static IServiceCollection AddWebhooks(this IServiceCollection services)
    {
        services.AddSingleton(provider => provider.GetRequiredService<SessionsOptions>().Webhooks);
        services.TryAddSingleton<NameResolver>(Dns.GetHostAddressesAsync);
        services.TryAddSingleton(provider => WebhookMessages.Over(provider.GetRequiredService<Queues>()));
        services.AddSingleton<WebhookClient>();
        services.AddSingleton<WebhookStore>();
        services.AddSingleton<FailedEvents>();
        services.AddSingleton<WebhookDelivery>();
        services.AddSingleton<CallbackDelivery>();
        return services;
    }
}
