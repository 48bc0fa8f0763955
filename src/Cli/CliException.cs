namespace Sessions.Cli;

/// <summary>The command was refused or has failed. The message is one line that says what to do.</summary>
internal sealed class CliException(string message) : Exception(message);
