using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using Azure.Core;
using Azure.Core.Pipeline;
using Azure.Data.Tables;
using Sessions.Storage;
using Sessions.Tests.Simulation;

namespace Sessions.Tests;

/// <summary>
/// Simulated tables whose calls go through the real client's pipeline, with its retries, its telemetry and a test's injected faults. Only
/// the address and the method of a request, and the keys in a transaction, are the same as on the wire.
/// </summary>
internal sealed class SimulatedStorage
{
    private const string CallHeader = "call";

    private readonly SimulatedRows _rows = new();
    private readonly Lock _lock = new();
    private readonly ConcurrentDictionary<string, TableCall> _calls = new();
    private long _etags;
    private long _number;

    public SimulatedStorage() => Transport = new CallTransport(this);

    /// <summary>Executes the calls.</summary>
    public HttpPipelineTransport Transport { get; }

    public Tables Connect(TableClientOptions options)
    {
        var pipeline = HttpPipelineBuilder.Build(options);
        return new(name => new SimulatedTable(name, call => SendAsync(pipeline, call)));
    }

    private async Task<TableAnswer> SendAsync(HttpPipeline pipeline, TableCall call)
    {
        var id = Interlocked.Increment(ref _number).ToString(CultureInfo.InvariantCulture);
        _calls[id] = call;
        using var message = pipeline.CreateMessage();
        var (method, path) = AddressOf(call);
        message.Request.Method = method;
        message.Request.Uri.Reset(new($"http://127.0.0.1/account/{path}"));
        message.Request.Headers.Add(CallHeader, id);
        if (call.IsWrite)
            message.Request.Content = RequestContent.Create(BinaryData.FromString(string.Concat(call.Changes.Select(change => KeysOf(call.PartitionKey, change.RowKey)))));
        await pipeline.SendAsync(message, CancellationToken.None);
        return message.Response is CallResponse { Answer: var answer } ? answer
            : new(message.Response.Status, message.Response.Headers.TryGetValue("x-ms-error-code", out var code) ? code : null);
    }

    private static (RequestMethod Method, string Path) AddressOf(TableCall call) => call switch
    {
        { IsWrite: false, RowKey: { } rowKey } => (RequestMethod.Get, call.Table + KeysOf(call.PartitionKey, rowKey)),
        { IsWrite: false } => (RequestMethod.Get, $"{call.Table}()"),
        { Changes: [{ Kind: ChangeKind.Add }] } => (RequestMethod.Post, call.Table),
        { Changes: [{ Kind: ChangeKind.Merge or ChangeKind.AddOrMerge } change] } => (RequestMethod.Patch, call.Table + KeysOf(call.PartitionKey, change.RowKey)),
        { Changes: [{ Kind: ChangeKind.Put } change] } => (RequestMethod.Put, call.Table + KeysOf(call.PartitionKey, change.RowKey)),
        _ => (RequestMethod.Post, "$batch"),
    };

    private static string KeysOf(string partitionKey, string rowKey) => $"(PartitionKey='{partitionKey}',RowKey='{rowKey}')";

    private TableAnswer Execute(TableCall call)
    {
        lock (_lock)
            return _rows.Execute(call, new($"{++_etags}"));
    }

    private sealed class CallTransport(SimulatedStorage storage) : HttpPipelineTransport
    {
        public override Azure.Core.Request CreateRequest() => HttpClientTransport.Shared.CreateRequest();

        public override void Process(HttpMessage message) => throw new NotSupportedException("Everything is asynchronous.");

        public override ValueTask ProcessAsync(HttpMessage message)
        {
            message.Request.Headers.TryGetValue(CallHeader, out var id);
            var answer = storage.Execute(storage._calls[id!]);
            var isBatch = message.Request.Uri.Path.EndsWith("$batch", StringComparison.Ordinal);
            message.Response = new CallResponse(answer, isBatch ? 202 : answer.Status, message.Request.ClientRequestId);
            return default;
        }
    }

    private sealed class CallResponse(TableAnswer answer, int status, string clientRequestId) : Azure.Response
    {
        public TableAnswer Answer => answer;

        public override int Status => status;

        public override string ReasonPhrase => answer.Error ?? "";

        public override Stream? ContentStream { get; set; }

        public override string ClientRequestId { get; set; } = clientRequestId;

        public override void Dispose()
        {
        }

        protected override bool ContainsHeader(string name) => TryGetHeader(name, out _);

        protected override IEnumerable<HttpHeader> EnumerateHeaders() => [];

        protected override bool TryGetHeader(string name, [NotNullWhen(true)] out string? value)
        {
            value = null;
            return false;
        }

        protected override bool TryGetHeaderValues(string name, [NotNullWhen(true)] out IEnumerable<string>? values)
        {
            values = null;
            return false;
        }
    }
}
