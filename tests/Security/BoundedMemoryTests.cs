using Sessions.Security;

namespace Sessions.Tests;

/// <summary>A memory that is full forgets the value that was set longest ago, and no other.</summary>
public sealed class BoundedMemoryTests
{
    private readonly BoundedMemory<string, int> _memory = new(capacity: 2);

    [Fact]
    public void The_oldest_value_is_forgotten_when_the_memory_is_full()
    {
        _memory.Set("a", 1);
        _memory.Set("b", 2);
        _memory.Set("c", 3);

        Holds(("b", 2), ("c", 3));
        Lacks("a");
    }

    [Fact]
    public void A_value_that_is_set_again_is_the_newest_and_drops_no_other()
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
    public void A_value_that_was_removed_leaves_its_place_to_another()
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
    public void To_remove_what_is_not_there_changes_nothing()
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
