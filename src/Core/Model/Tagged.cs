namespace Sessions.Model;

/// <summary>A resource and the entity tag (RFC 9110, section 8.8.3) of the state that it was read in.</summary>
/// <param name="Value">The resource.</param>
/// <param name="ETag">The tag, without quotes: another after every change of the resource.</param>
public sealed record Tagged<T>(T Value, string ETag);

/// <summary>Which states of a resource a change is meant for (<c>If-Match</c>, RFC 9110, section 13.1.1).</summary>
/// <param name="ETags">The tags of those states, or <see cref="Any"/>; null for no condition at all.</param>
public sealed record Precondition(IReadOnlyList<string>? ETags)
{
    /// <summary>Stands for every state of a resource that is there.</summary>
    public const string Any = "*";

    /// <summary>No condition.</summary>
    public static Precondition None { get; } = new((IReadOnlyList<string>?)null);

    /// <summary>Whether there is a condition.</summary>
    public bool IsSet => ETags is not null;

    /// <summary>Whether a change may be made to a resource with this tag, or to none when it is null.</summary>
    public bool Holds(string? etag) => ETags is null || (etag is not null && (ETags.Contains(Any) || ETags.Contains(etag)));
}
