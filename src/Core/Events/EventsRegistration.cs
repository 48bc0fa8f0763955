using Microsoft.Extensions.DependencyInjection;

namespace Sessions.Events;

/// <summary>What the feeds and their delivery need.</summary>
public static class EventsRegistration
{
    /// <summary>Registers the log, the delivery and the feeds.</summary>
    public static IServiceCollection AddEvents(this IServiceCollection services)
        => services.AddSingleton<EventLog>()
            .AddSingleton<SessionEnds>()
            .AddSingleton<PartitionLook>()
            .AddSingleton<EventDelivery>()
            .AddSingleton<EventFeeds>()
            .AddSingleton<LogSweeper>();
}
