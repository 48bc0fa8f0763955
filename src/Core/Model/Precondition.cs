namespace Sessions.Model;

/// <summary>
/// The condition of a change: the states of the resource in which it may be made (<c>If-Match</c>, RFC 9110, section 13.1.1).
/// </summary>
public sealed class Precondition
{
    private readonly bool _anyState;
    private readonly IReadOnlyList<string> _entityTags;

    private Precondition(bool anyState, IReadOnlyList<string> entityTags) => (_anyState, _entityTags) = (anyState, entityTags);

    /// <summary>No condition.</summary>
    public static Precondition None { get; } = new(anyState: true, []);

    /// <summary>Any state, if the resource exists: <c>If-Match: *</c>.</summary>
    public static Precondition AnyState { get; } = new(anyState: true, []);

    /// <summary>The states with one of these entity tags, which are given without quotes.</summary>
    public static Precondition OneOf(IReadOnlyList<string> entityTags) => new(anyState: false, entityTags);

    /// <summary>Whether there is a condition.</summary>
    public bool IsSet => !ReferenceEquals(this, None);

    /// <summary>Whether the change may be made to a resource with this entity tag. Null means that the resource does not exist.</summary>
    public bool Holds(string? entityTag) => !IsSet || (entityTag is not null && (_anyState || _entityTags.Contains(entityTag)));
}
