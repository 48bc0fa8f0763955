using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;

namespace Sessions.Security;

/// <summary>
/// A cache with a fixed capacity. When it is full, setting a new key evicts the value that was set longest ago. Reading takes no lock and
/// allocates nothing.
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

    /// <summary>Sets the value of a key, and makes it the newest.</summary>
    public void Set(TKey key, TValue value)
    {
        lock (_lock)
        {
            if (!Forget(key) && _oldestFirst.Count == capacity)
                Forget(_oldestFirst.First!.Value.Key);
            _nodes[key] = _oldestFirst.AddLast((key, value));
        }
    }

    /// <summary>Removes a value.</summary>
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
