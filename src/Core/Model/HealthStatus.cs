namespace Sessions.Model;

/// <summary>The response to a health check.</summary>
/// <param name="Status">Always <c>healthy</c>. If the server is not healthy, the response is an <see cref="ApiError"/>.</param>
public sealed record HealthStatus(string Status);
