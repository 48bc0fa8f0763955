namespace Sessions.Webhooks;

/// <summary>
/// The events to deliver to a webhook, in an order that determines which of them may be sent. An event waits only while an earlier event of
/// its session or of its participant is not delivered. For example, a failing event of session A delays later events of A, but not those of
/// session B with other participants. This class uses no storage and no clock.
/// </summary>
internal sealed class DeliveryOrder
{
    private static readonly Comparer<PendingEvent> ByPosition = Comparer<PendingEvent>.Create((one, other) => one.Position.CompareTo(other.Position));

    private readonly SortedSet<PendingEvent> _all = new(ByPosition);
    private readonly Dictionary<string, SortedSet<PendingEvent>> _byKey = [];
    private readonly PriorityQueue<PendingEvent, (DateTimeOffset Next, long Position)> _ready = new();
    private readonly HashSet<PendingEvent> _queued = [];
    private readonly HashSet<PendingEvent> _taken = [];

    /// <summary>All events, in the order of the log.</summary>
    public IReadOnlyCollection<PendingEvent> All => _all;

    /// <summary>Adds an event. Returns false if there is already one with this position.</summary>
    public bool Add(PendingEvent added)
    {
        if (!_all.Add(added))
            return false;

        foreach (var key in added.Keys)
        {
            if (!_byKey.TryGetValue(key, out var events))
                _byKey.Add(key, events = new(ByPosition));
            events.Add(added);
        }

        EnqueueIfFirst(added);
        return true;
    }

    /// <summary>
    /// Takes the event that has been due for the longest time, or returns null if none is due. A taken event still blocks later ones.
    /// </summary>
    public PendingEvent? Take(DateTimeOffset now)
    {
        if (FirstReady() is not { } first || first.Next > now)
            return null;

        Dequeue();
        _taken.Add(first);
        return first;
    }

    /// <summary>When the next event is due that is not taken, or null if there is none.</summary>
    public DateTimeOffset? NextDue => FirstReady()?.Next;

    /// <summary>Returns a taken event, which can be taken again when it is due.</summary>
    public void PutBack(PendingEvent taken)
    {
        _taken.Remove(taken);
        EnqueueIfFirst(taken);
    }

    /// <summary>Removes a taken event that was delivered or that failed for good, and releases the events behind it.</summary>
    public void Remove(PendingEvent taken)
    {
        _taken.Remove(taken);
        _all.Remove(taken);
        foreach (var key in taken.Keys)
        {
            var events = _byKey[key];
            events.Remove(taken);
            if (events.Min is { } next)
                EnqueueIfFirst(next);
            else
                _byKey.Remove(key);
        }
    }

    /// <summary>The events that cannot be sent now: those that are due later, and those that wait for them.</summary>
    public IEnumerable<PendingEvent> Waiting(DateTimeOffset now)
    {
        var keys = new HashSet<string>();
        foreach (var pending in _all)
        {
            if ((pending.Next > now && !_taken.Contains(pending)) || pending.Keys.Any(keys.Contains))
            {
                keys.UnionWith(pending.Keys);
                yield return pending;
            }
        }
    }

    private PendingEvent? FirstReady()
    {
        // An event that was added later with an earlier position may have come before this one.
        while (_ready.TryPeek(out var first, out _))
        {
            if (IsFirst(first))
                return first;

            Dequeue();
        }

        return null;
    }

    private void Dequeue() => _queued.Remove(_ready.Dequeue());

    private void EnqueueIfFirst(PendingEvent pending)
    {
        if (IsFirst(pending) && !_taken.Contains(pending) && _queued.Add(pending))
            _ready.Enqueue(pending, (pending.Next, pending.Position));
    }

    private bool IsFirst(PendingEvent pending) => pending.Keys.All(key => ReferenceEquals(_byKey[key].Min, pending));
}
