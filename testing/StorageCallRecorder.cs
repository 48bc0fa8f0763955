using Azure;
using Azure.Core;
using Azure.Core.Pipeline;

namespace Sessions.Testing;

/// <summary>Records when each call to storage went out and came back, and its bytes.</summary>
public sealed class StorageCallRecorder : HttpPipelinePolicy
{
    private readonly Lock _lock = new();
    private readonly List<(long Sent, long Answered, StorageBytes Bytes)> _calls = [];
    private long _clock;

    /// <summary>How long each answer is held back, so that calls made in parallel surely overlap.</summary>
    public TimeSpan Hold { get; set; }

    /// <summary>What every call fails with, unsent; null to send it.</summary>
    public Exception? Fault { get; set; }

    /// <summary>Forgets what was recorded.</summary>
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

    /// <summary>The bytes of all calls that were answered.</summary>
    public StorageBytes Bytes
    {
        get
        {
            lock (_lock)
                return new(_calls.Sum(call => call.Bytes.Sent), _calls.Sum(call => call.Bytes.Received));
        }
    }

    /// <summary>The number of calls that had to wait for one another.</summary>
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
        if (Fault is not null)
            throw Fault;

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
/// The bytes of calls: body, headers, and the line before them, as far as a policy sees them. The headers that the transport
/// adds (<c>Host</c>, <c>Content-Length</c>) and the frames of chunks and of TLS are not among them.
/// </summary>
/// <param name="Sent">To storage.</param>
/// <param name="Received">From storage.</param>
public readonly record struct StorageBytes(long Sent, long Received)
{
    /// <summary>Both ways.</summary>
    public long Total => Sent + Received;

    /// <summary>The bytes of a call that was answered.</summary>
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
