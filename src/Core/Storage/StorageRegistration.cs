using Azure.Data.Tables;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace Sessions.Storage;

/// <summary>What every program over the tables and queues needs.</summary>
public static class StorageRegistration
{
    /// <summary>Registers the tables and queues that <see cref="SessionsOptions"/> name; a client's options that are registered already win.</summary>
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

    /// <summary>Registers what tells the delivery of changes, for a program that makes some.</summary>
    public static IServiceCollection AddEventQueue(this IServiceCollection services)
        => services.AddSingleton<Feeds>().AddSingleton(provider => EventQueue.Over(
            provider.GetRequiredService<Queues>(), provider.GetRequiredService<Feeds>(), provider.GetRequiredService<TimeProvider>()));
}
