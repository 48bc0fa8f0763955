using Azure.Data.Tables;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace Sessions.Storage;

/// <summary>Registers the services that every program with access to the tables and queues needs.</summary>
public static class StorageRegistration
{
    /// <summary>
    /// Registers the tables and queues of the account in <see cref="SessionsOptions"/>. Client options that are already registered are
    /// kept.
    /// </summary>
    public static IServiceCollection AddTables(this IServiceCollection services)
    {
        services.TryAddSingleton(_ => StorageClient.Options());
        services.TryAddSingleton(provider => provider.GetRequiredService<SessionsOptions>().Storage.Connect(
            provider.GetRequiredService<TableClientOptions>()));
        services.TryAddSingleton<Tables>();
        services.TryAddSingleton(provider => new Queues(
            () => provider.GetRequiredService<SessionsOptions>().Storage.ConnectQueues(Queues.ClientOptions())));
        return services;
    }

    /// <summary>Registers the queue of messages to the delivery, for a program that makes changes.</summary>
    public static IServiceCollection AddEventQueue(this IServiceCollection services)
        => services.AddSingleton<Feeds>().AddSingleton(provider => EventQueue.Over(
            provider.GetRequiredService<Queues>(), provider.GetRequiredService<Feeds>(), provider.GetRequiredService<TimeProvider>()));
}
