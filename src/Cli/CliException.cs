namespace Sessions.Cli;

/// <summary>The command was refused or failed. The message is one line that tells the user what to do.</summary>
internal sealed class CliException(string message) : Exception(message);
