using Azure;
using Azure.Core;
using Azure.Core.Pipeline;

namespace Sessions.Testing;

/// <summary>Records when each storage call was sent and completed, and its bytes.</summary>
public sealed class StorageCallRecorder : HttpPipelinePolicy
{
    private readonly Lock _lock = new();
    private readonly List<(long Sent, long Answered, StorageBytes Bytes)> _calls = [];
    private long _clock;

    /// <summary>How long each response is delayed, so that calls made in parallel certainly overlap.</summary>
    public TimeSpan Hold { get; set; }

    /// <summary>Returns the exception with which a call fails before it is sent, or null to send it.</summary>
    public Func<Exception?> Fault { get; set; } = () => null;

    /// <summary>Removes the recorded calls.</summary>
    public void Clear()
    {
        lock (_lock)
            _calls.Clear();
    }

    /// <summary>The number of calls.</summary>
    public int Count
    {
        get
        {
            lock (_lock)
                return _calls.Count;
        }
    }

    /// <summary>The bytes of all completed calls.</summary>
    public StorageBytes Bytes
    {
        get
        {
            lock (_lock)
                return new(_calls.Sum(call => call.Bytes.Sent), _calls.Sum(call => call.Bytes.Received));
        }
    }

    /// <summary>The number of sequential calls. Calls that overlap count as one.</summary>
    public int Sequential
    {
        get
        {
            lock (_lock)
            {
                var rounds = 0;
                var answered = 0L;
                foreach (var call in _calls.OrderBy(call => call.Sent))
                {
                    if (call.Sent > answered)
                    {
                        rounds++;
                        answered = call.Answered;
                    }
                    else
                    {
                        answered = Math.Max(answered, call.Answered);
                    }
                }

                return rounds;
            }
        }
    }

    /// <inheritdoc />
    public override void Process(HttpMessage message, ReadOnlyMemory<HttpPipelinePolicy> pipeline)
        => throw new NotSupportedException("Everything is asynchronous.");

    /// <inheritdoc />
    public override async ValueTask ProcessAsync(HttpMessage message, ReadOnlyMemory<HttpPipelinePolicy> pipeline)
    {
        if (Fault() is { } fault)
            throw fault;

        var sent = Tick();
        var bytes = default(StorageBytes);
        try
        {
            await ProcessNextAsync(message, pipeline);
            bytes = StorageBytes.Of(message);
            await Task.Delay(Hold);
        }
        finally
        {
            var answered = Tick();
            lock (_lock)
                _calls.Add((sent, answered, bytes));
        }
    }

    private long Tick() => Interlocked.Increment(ref _clock);
}

/// <summary>
/// The bytes of storage calls, which are the start line, the headers and the body as a pipeline policy sees them. The headers that the
/// transport adds (<c>Host</c>, <c>Content-Length</c>), chunk framing and TLS are not included.
/// </summary>
/// <param name="Sent">Bytes sent to storage.</param>
/// <param name="Received">Bytes received from storage.</param>
public readonly record struct StorageBytes(long Sent, long Received)
{
    /// <summary>Bytes in both directions.</summary>
    public long Total => Sent + Received;

    /// <summary>The bytes of a completed call.</summary>
    public static StorageBytes Of(HttpMessage message) => new(SentBy(message.Request), ReceivedIn(message.Response));

    private static long SentBy(Request request)
    {
        var body = 0L;
        if (request.Content is { } content && !content.TryComputeLength(out body))
        {
            using var stream = new MemoryStream();
            content.WriteTo(stream, CancellationToken.None);
            body = stream.Length;
        }

        var line = $"{request.Method.Method} {request.Uri.ToUri().PathAndQuery} HTTP/1.1\r\n";
        return line.Length + request.Headers.Sum(LengthOf) + body;
    }

    private static long ReceivedIn(Response response)
    {
        var line = $"HTTP/1.1 {response.Status} {response.ReasonPhrase}\r\n";
        return line.Length + response.Headers.Sum(LengthOf) + (response.ContentStream?.Length ?? 0);
    }

    private static long LengthOf(HttpHeader header) => $"{header.Name}: {header.Value}\r\n".Length;
}
