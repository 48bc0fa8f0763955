namespace Sessions.Model;

/// <summary>A resource and the entity tag (RFC 9110, section 8.8.3) of the state that it was read in.</summary>
/// <param name="Value">The resource.</param>
/// <param name="EntityTag">The tag, without quotes: another after every change of the resource.</param>
public sealed record Versioned<T>(T Value, string EntityTag);
