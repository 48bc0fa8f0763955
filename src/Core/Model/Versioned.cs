namespace Sessions.Model;

/// <summary>A resource and its entity tag (RFC 9110, section 8.8.3) when it was read.</summary>
/// <param name="Value">The resource.</param>
/// <param name="EntityTag">The entity tag, without quotes. It changes with every change of the resource.</param>
public sealed record Versioned<T>(T Value, string EntityTag);
