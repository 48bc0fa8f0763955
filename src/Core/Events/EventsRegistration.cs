using Microsoft.Extensions.DependencyInjection;
using Sessions.Model;
using Sessions.Storage;
using Sessions.Webhooks;

namespace Sessions.Events;

/// <summary>What the feeds and their delivery need.</summary>
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

        // Looked for when there is something to send: the webhooks read the log.
        Task WakeAsync(AccountId account, CancellationToken cancellation)
            => services.GetRequiredService<WebhookDelivery>().WakeAsync(account, cancellation);
    }
}
