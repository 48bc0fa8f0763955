using System.Diagnostics.CodeAnalysis;
using Azure.Core;
using Azure.Core.Pipeline;

namespace Sessions.LocalHost;

/// <summary>
/// Limits the number of concurrent storage calls, and therefore of connections, to an emulator on this machine. Further calls wait for
/// their turn. Node.js accepts one connection in each turn of its event loop, and serves all existing connections in the same turn. If
/// hundreds of connections were opened at once, some of them would wait for seconds with a request sent on them.
/// </summary>
[SuppressMessage("Design", "CA1001", Justification = "It lives as long as the process, and the semaphore has no wait handle.")]
internal sealed class EmulatorLimit : HttpPipelinePolicy
{
    /// <summary>The most concurrent calls. Azurite runs on one thread, which fewer calls already keep busy.</summary>
    public const int MostCalls = 32;

    private readonly SemaphoreSlim _calls = new(MostCalls);

    public override async ValueTask ProcessAsync(HttpMessage message, ReadOnlyMemory<HttpPipelinePolicy> pipeline)
    {
        if (message.Request.Uri.Host is not ("127.0.0.1" or "localhost" or "[::1]"))
        {
            await ProcessNextAsync(message, pipeline);
            return;
        }

        await _calls.WaitAsync(message.CancellationToken);
        try
        {
            await ProcessNextAsync(message, pipeline);
        }
        finally
        {
            _calls.Release();
        }
    }

    public override void Process(HttpMessage message, ReadOnlyMemory<HttpPipelinePolicy> pipeline)
        => throw new NotSupportedException("Storage is only called asynchronously.");
}
