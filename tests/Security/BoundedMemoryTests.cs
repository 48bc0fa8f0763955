using Sessions.Security;

namespace Sessions.Tests;

/// <summary>A full memory removes the value that was set the longest time ago, and no other.</summary>
public sealed class BoundedMemoryTests
{
    private readonly BoundedMemory<string, int> _memory = new(capacity: 2);

    [Fact]
    public void A_full_memory_evicts_the_oldest_value()
    {
        _memory.Set("a", 1);
        _memory.Set("b", 2);
        _memory.Set("c", 3);

        Holds(("b", 2), ("c", 3));
        Lacks("a");
    }

    [Fact]
    public void Setting_a_value_again_makes_it_the_newest_and_evicts_no_other()
    {
        _memory.Set("a", 1);
        _memory.Set("b", 2);
        _memory.Set("a", 3);
        Holds(("a", 3), ("b", 2));

        _memory.Set("c", 4);

        Holds(("a", 3), ("c", 4));
        Lacks("b");
    }

    [Fact]
    public void A_removed_value_makes_room_for_another()
    {
        _memory.Set("a", 1);
        _memory.Set("b", 2);
        _memory.Remove("b");
        Holds(("a", 1));
        Lacks("b");

        _memory.Set("c", 3);

        Holds(("a", 1), ("c", 3));
    }

    [Fact]
    public void Removing_a_missing_value_changes_nothing()
    {
        _memory.Set("a", 1);
        _memory.Remove("b");

        Holds(("a", 1));
    }

    private void Holds(params (string Key, int Value)[] expected)
    {
        Assert.Equal(expected.Length, _memory.Count);
        foreach (var (key, value) in expected)
        {
            Assert.True(_memory.TryGet(key, out var found));
            Assert.Equal(value, found);
        }
    }

    private void Lacks(string key)
    {
        Assert.False(_memory.TryGet(key, out var found));
        Assert.Equal(0, found);
    }
}
