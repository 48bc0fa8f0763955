using Azure.Data.Tables;
using Microsoft.Extensions.DependencyInjection;
using Sessions.LocalHost;
using Sessions.Storage;

namespace Sessions.Tests;

/// <summary>The server over Azurite, with tables of its own.</summary>
public class Server(AzuriteFixture azurite) : HostedServer
{
    /// <summary>Whether the queues are there, and their messages are handled.</summary>
    protected virtual bool DeliversEvents => false;

    protected override ValueTask<string> ConnectAsync() => new(azurite.NextConnectionString());

    protected override void AddStorage(IServiceCollection services)
    {
        if (DeliversEvents)
            services.AddQueuePollers(() => Task.CompletedTask);
    }

    protected override async Task PrepareStorageAsync()
    {
        // Not with the short time limit of a call: Azurite may be busy with the start of other tests.
        await new Tables(new TableServiceClient(ConnectionString)).CreateAsync(CancellationToken.None);
        if (DeliversEvents)
            await Service<Queues>().CreateAsync(CancellationToken.None);
    }
}
