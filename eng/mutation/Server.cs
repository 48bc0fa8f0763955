using Azure.Core.Pipeline;
using Azure.Data.Tables;
using Azure.Storage.Queues;
using Microsoft.Extensions.DependencyInjection;
using Moq;
using Sessions.Storage;

[assembly: AssemblyFixture(typeof(Sessions.Tests.AzuriteFixture))]

namespace Sessions.Tests;

/// <summary>Replaces the server over Azurite by a server over tables in memory, with queues that discard each message.</summary>
public class Server(AzuriteFixture azurite) : HostedServer
{
    private readonly SimulatedStorage _storage = new();

    protected override ValueTask<string> ConnectAsync() => new(azurite.NextConnectionString());

    protected override HttpPipelineTransport TransportOf(TableClientOptions options) => _storage.Transport;

    protected override void AddStorage(IServiceCollection services)
    {
        services.AddSingleton(new Queues(() => new Mock<QueueServiceClient> { DefaultValue = DefaultValue.Mock }.Object));
        services.AddSingleton(provider => _storage.Connect(provider.GetRequiredService<TableClientOptions>()));
    }
}

/// <summary>Replaces the fixture that starts Azurite.</summary>
public sealed class AzuriteFixture
{
    public string NextConnectionString() => "UseDevelopmentStorage=true";
}
