namespace Sessions.Model;

/// <summary>Which states of a resource a change is meant for (<c>If-Match</c>, RFC 9110, section 13.1.1).</summary>
public sealed class Precondition
{
    private readonly bool _anyState;
    private readonly IReadOnlyList<string> _entityTags;

    private Precondition(bool anyState, IReadOnlyList<string> entityTags) => (_anyState, _entityTags) = (anyState, entityTags);

    /// <summary>No condition.</summary>
    public static Precondition None { get; } = new(anyState: true, []);

    /// <summary>Every state of a resource that exists: <c>If-Match: *</c>.</summary>
    public static Precondition AnyState { get; } = new(anyState: true, []);

    /// <summary>The states with one of these entity tags, which have no quotes here.</summary>
    public static Precondition OneOf(IReadOnlyList<string> entityTags) => new(anyState: false, entityTags);

    /// <summary>Whether there is a condition.</summary>
    public bool IsSet => !ReferenceEquals(this, None);

    /// <summary>Whether a change may be made to a resource with this tag, or to one that does not exist when it is null.</summary>
    public bool Holds(string? entityTag) => !IsSet || (entityTag is not null && (_anyState || _entityTags.Contains(entityTag)));
}
