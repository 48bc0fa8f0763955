namespace Sessions.Model;

/// <summary>The answer to a health check.</summary>
/// <param name="Status">Always <c>healthy</c>; what is not healthy is an <see cref="ApiError"/>.</param>
public sealed record HealthStatus(string Status);
