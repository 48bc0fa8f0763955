using Microsoft.Extensions.DependencyInjection;
using Sessions.Model;
using Sessions.Storage;
using Sessions.Webhooks;

namespace Sessions.Events;

/// <summary>Registers the services of the feeds and their delivery.</summary>
public static class EventsRegistration
{
    /// <summary>Registers the log, the delivery and the feeds.</summary>
    public static IServiceCollection AddEvents(this IServiceCollection services)
        => services.AddSingleton(LogOf)
            .AddSingleton<SessionEnds>()
            .AddSingleton<PartitionLook>()
            .AddSingleton<EventDelivery>()
            .AddSingleton<EventBacklog>()
            .AddSingleton<EventFeeds>()
            .AddSingleton<LogSweeper>();

    private static EventLog LogOf(IServiceProvider services)
    {
        return new(services.GetRequiredService<Tables>()) { Appended = WakeAsync };

        // The service is resolved only when there is an event to send, because the webhooks depend on the log.
        Task WakeAsync(AccountId account, CancellationToken cancellation)
            => services.GetRequiredService<WebhookDelivery>().WakeAsync(account, cancellation);
    }
}
