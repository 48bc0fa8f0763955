using Azure.Core;
using Azure.Core.Pipeline;

namespace Sessions.Tests;

/// <summary>
/// Chooses the fault of each storage call, for <see cref="FaultyTransport"/>. A call whose response never comes is given up after
/// <paramref name="patience"/>, which is shorter than in production, so that the tests are short. The other calls have the time limit of
/// the client, because storage may take seconds on a busy machine even without a fault.
/// </summary>
public sealed class FaultPolicy(Func<Request, StorageFault> choose, TimeSpan patience) : HttpPipelinePolicy
{
    public override void Process(HttpMessage message, ReadOnlyMemory<HttpPipelinePolicy> pipeline)
        => throw new NotSupportedException("Everything is asynchronous.");

    public override ValueTask ProcessAsync(HttpMessage message, ReadOnlyMemory<HttpPipelinePolicy> pipeline)
    {
        var fault = choose(message.Request);
        message.SetProperty(nameof(StorageFault), fault);
        message.NetworkTimeout = fault is StorageFault.SilentBefore or StorageFault.SilentAfter or StorageFault.Late ? patience : null;
        return ProcessNextAsync(message, pipeline);
    }
}
