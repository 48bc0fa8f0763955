using Azure.Data.Tables;
using Azure.Storage.Queues;
using Microsoft.Extensions.DependencyInjection;
using Sessions.LocalHost;
using Sessions.Storage;

namespace Sessions.Tests;

/// <summary>The server over Azurite, with its own tables.</summary>
public class Server(AzuriteFixture azurite) : HostedServer
{
    /// <summary>Whether the queues exist and their messages are handled.</summary>
    protected virtual bool DeliversEvents => false;

    protected override ValueTask<string> ConnectAsync() => new(azurite.NextConnectionString());

    protected override void AddStorage(IServiceCollection services)
    {
        services.AddSingleton(new Queues(() => new QueueServiceClient(ConnectionString, PatientStorage.QueueOptions())));
        if (DeliversEvents)
            services.AddQueuePollers(() => Task.CompletedTask);
    }

    protected override async Task PrepareStorageAsync()
    {
        // Not the server's own tables, because a test may inject faults into their calls.
        await new Tables(new TableServiceClient(ConnectionString)).CreateAsync(CancellationToken.None);
        if (DeliversEvents)
            await Service<Queues>().CreateAsync(CancellationToken.None);
    }
}
