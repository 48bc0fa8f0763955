namespace Sessions.LocalHost;

/// <summary>LocalHost cannot start. The message is one line that tells the user what to do.</summary>
public sealed class LocalHostException(string message) : Exception(message);
