using Azure.Core;
using Azure.Core.Pipeline;

namespace Sessions.Tests;

/// <summary>Records when each call to storage went out and came back.</summary>
public sealed class StorageCalls : HttpPipelinePolicy
{
    private readonly Lock _lock = new();
    private readonly List<(long Sent, long Answered)> _calls = [];
    private long _clock;

    /// <summary>How long each answer is held back, so that calls made in parallel surely overlap.</summary>
    public TimeSpan Hold { get; set; }

    /// <summary>What every call fails with, unsent; null to send it.</summary>
    public Exception? Fault { get; set; }

    public void Clear()
    {
        lock (_lock)
            _calls.Clear();
    }

    public int Count
    {
        get
        {
            lock (_lock)
                return _calls.Count;
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

    public override void Process(HttpMessage message, ReadOnlyMemory<HttpPipelinePolicy> pipeline)
        => throw new NotSupportedException("Everything is asynchronous.");

    public override async ValueTask ProcessAsync(HttpMessage message, ReadOnlyMemory<HttpPipelinePolicy> pipeline)
    {
        if (Fault is not null)
            throw Fault;

        var sent = Tick();
        try
        {
            await ProcessNextAsync(message, pipeline);
            await Task.Delay(Hold);
        }
        finally
        {
            var answered = Tick();
            lock (_lock)
                _calls.Add((sent, answered));
        }
    }

    private long Tick() => Interlocked.Increment(ref _clock);
}
