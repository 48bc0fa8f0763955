namespace Sessions.LocalHost;

/// <summary>LocalHost cannot start; the message says what to do, in one line.</summary>
public sealed class LocalHostException(string message) : Exception(message);
