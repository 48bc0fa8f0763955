using System.Diagnostics;
using Azure.Core;
using Azure.Core.Pipeline;

namespace Sessions.Storage;

/// <summary>
/// Counts each try of a storage call, and traces it in the request's activity. The SDK's own activities are off, because they would contain
/// the keys and therefore the account ids.
/// </summary>
internal sealed class StorageTelemetry : HttpPipelinePolicy
{
    // A transaction's URL does not contain the table, so the caller names it.
    private const string TableProperty = "Sessions.Table";

    /// <summary>
    /// Names the table of the transactions that are sent until the result is disposed of. Returns null if nobody listens to metrics or
    /// traces.
    /// </summary>
    public static IDisposable? TransactionOn(string table)
        => IsOn ? HttpPipeline.CreateHttpMessagePropertiesScope(new Dictionary<string, object?> { [TableProperty] = table }) : null;

    public override void Process(HttpMessage message, ReadOnlyMemory<HttpPipelinePolicy> pipeline)
        => ProcessNext(message, pipeline); // Every call of the stores is asynchronous.

    public override ValueTask ProcessAsync(HttpMessage message, ReadOnlyMemory<HttpPipelinePolicy> pipeline)
        => IsOn ? RecordAsync(message, pipeline) : ProcessNextAsync(message, pipeline);

    private static bool IsOn => Telemetry.StorageCalls.Enabled || Telemetry.Source.HasListeners();

    private static async ValueTask RecordAsync(HttpMessage message, ReadOnlyMemory<HttpPipelinePolicy> pipeline)
    {
        var table = message.TryGetProperty(TableProperty, out var named) ? (string)named! : TableOf(message.Request.Uri.Path);
        var method = message.Request.Method.Method;
        using var activity = Telemetry.Source.StartActivity($"{method} {table}", ActivityKind.Client);
        var status = 0;
        try
        {
            await ProcessNextAsync(message, pipeline);
            status = message.Response.Status;
        }
        finally
        {
            Telemetry.StorageCalls.Add(1, new("table", table), new("method", method), new("status", status));
            activity?.SetTag("server.address", message.Request.Uri.Host)
                .SetTag("db.collection.name", table)
                .SetTag("http.request.method", method)
                .SetTag("http.response.status_code", status)
                .SetStatus(status is 0 or >= 500 ? ActivityStatusCode.Error : ActivityStatusCode.Unset);
        }
    }

    /// <summary>
    /// Returns the last segment without its keys, for example <c>sessions</c> of <c>/sessions(PartitionKey='…',RowKey='…')</c>. No key
    /// contains a slash.
    /// </summary>
    private static string TableOf(string path)
    {
        var segment = path[(path.LastIndexOf('/') + 1)..];
        return segment.IndexOf('(') is var end and >= 0 ? segment[..end] : segment;
    }
}
