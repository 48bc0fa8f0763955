namespace Sessions.Model;

/// <summary>Which states of a resource a change is meant for (<c>If-Match</c>, RFC 9110, section 13.1.1).</summary>
/// <param name="EntityTags">The tags of those states, or <see cref="Any"/>; null for no condition at all.</param>
public sealed record Precondition(IReadOnlyList<string>? EntityTags)
{
    /// <summary>Stands for every state of a resource that is there.</summary>
    public const string Any = "*";

    /// <summary>No condition.</summary>
    public static Precondition None { get; } = new((IReadOnlyList<string>?)null);

    /// <summary>Whether there is a condition.</summary>
    public bool IsSet => EntityTags is not null;

    /// <summary>Whether a change may be made to a resource with this tag, or to none when it is null.</summary>
    public bool Holds(string? entityTag)
        => EntityTags is null || (entityTag is not null && (EntityTags.Contains(Any) || EntityTags.Contains(entityTag)));
}
