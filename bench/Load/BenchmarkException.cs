namespace Sessions.Bench;

/// <summary>A measurement cannot be made, or is worth nothing; the message says why, in one line.</summary>
public sealed class BenchmarkException(string message) : Exception(message);
