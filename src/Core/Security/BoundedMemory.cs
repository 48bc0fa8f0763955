using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;

namespace Sessions.Security;

/// <summary>
/// Remembers values by key, and no more than a fixed number: when it is full, the value that was set longest ago is
/// forgotten. Reading takes no lock and allocates nothing.
/// </summary>
internal sealed class BoundedMemory<TKey, TValue>(int capacity)
    where TKey : notnull
{
    private readonly ConcurrentDictionary<TKey, LinkedListNode<(TKey Key, TValue Value)>> _nodes = new();
    private readonly LinkedList<(TKey Key, TValue Value)> _oldestFirst = new();
    private readonly Lock _lock = new();

    /// <summary>The number of values.</summary>
    public int Count
    {
        get
        {
            lock (_lock)
                return _oldestFirst.Count;
        }
    }

    /// <summary>Finds a value.</summary>
    public bool TryGet(TKey key, [MaybeNullWhen(false)] out TValue value)
    {
        var isThere = _nodes.TryGetValue(key, out var node);
        value = isThere ? node!.Value.Value : default;
        return isThere;
    }

    /// <summary>Remembers a value, in place of the key's earlier one, and as the newest.</summary>
    public void Set(TKey key, TValue value)
    {
        lock (_lock)
        {
            if (!Forget(key) && _oldestFirst.Count == capacity)
                Forget(_oldestFirst.First!.Value.Key);
            _nodes[key] = _oldestFirst.AddLast((key, value));
        }
    }

    /// <summary>Forgets a value.</summary>
    public void Remove(TKey key)
    {
        lock (_lock)
            Forget(key);
    }

    private bool Forget(TKey key)
    {
        if (!_nodes.TryRemove(key, out var node))
            return false;

        _oldestFirst.Remove(node);
        return true;
    }
}
