namespace Sessions.Bench;

/// <summary>A measurement failed or is not valid. The message explains why in one line.</summary>
public sealed class BenchmarkException(string message) : Exception(message);
