using Sessions.Storage;

namespace Sessions.Tests.Simulation;

/// <summary>
/// The queue of one request. A message is stored as late as possible, when the request waits for nothing else. A request that writes an
/// event without waiting for its message is therefore detected immediately, and not only by a crash between the two. A creation has no read
/// before its write, so it sends both at the same time. It must not end before its message is stored.
/// </summary>
internal sealed class SimulatedQueue
{
    private readonly Dictionary<string, TaskCompletionSource> _waiting = [];
    private readonly HashSet<string> _stored = [];
    private readonly HashSet<string> _written = [];

    /// <param name="announces">Whether the request waits for its messages. Otherwise the protocol is broken.</param>
    public SimulatedQueue(bool announces) => Queue = new((_, partitionKey, _, _) => announces ? SendAsync(partitionKey) : Task.CompletedTask);

    public EventQueue Queue { get; }

    /// <exception cref="ViolationException">The call writes an event before the message for it is stored.</exception>
    public void Check(TableCall call)
    {
        if (!call.Changes.Any(change => Keys.IsEvent(change.RowKey) && change.Kind == ChangeKind.Add))
            return;

        _written.Add(call.PartitionKey);
        var isCreation = call.Changes[0].Kind == ChangeKind.Add;
        if (!isCreation && !_stored.Contains(call.PartitionKey))
            throw new ViolationException($"An event of {call.PartitionKey} is written before the message for it is stored.");
    }

    /// <exception cref="ViolationException">The request has ended, and the message for an event is not stored.</exception>
    public void CheckEnd()
    {
        if (_written.Except(_stored).FirstOrDefault() is { } partition)
            throw new ViolationException($"The request ended, and the message for an event of {partition} is not stored.");
    }

    /// <summary>Stores messages while the request waits for nothing else.</summary>
    public void Store(Func<bool> isStuck)
    {
        while (_waiting.Count > 0 && isStuck())
        {
            var (partition, waiting) = _waiting.First();
            _waiting.Remove(partition);
            _stored.Add(partition);
            waiting.SetResult();
        }
    }

    private Task SendAsync(string partitionKey)
    {
        if (_stored.Contains(partitionKey))
            return Task.CompletedTask;
        if (!_waiting.TryGetValue(partitionKey, out var waiting))
            _waiting[partitionKey] = waiting = new();
        return waiting.Task;
    }
}
