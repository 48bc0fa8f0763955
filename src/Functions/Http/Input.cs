namespace Sessions.Http;

/// <summary>A value that was read from a request, or the reply that refuses the request.</summary>
/// <param name="Value">The value, or the default if the request has none.</param>
/// <param name="Refusal">The reply if the value is invalid, otherwise null.</param>
public readonly record struct Input<T>(T? Value, Reply? Refusal);
