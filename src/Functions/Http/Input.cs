namespace Sessions.Http;

/// <summary>What was read of a request, or the reply that refuses it.</summary>
/// <param name="Value">What was read; default when there was nothing.</param>
/// <param name="Refusal">Set when it cannot be used.</param>
public readonly record struct Input<T>(T? Value, Reply? Refusal);
