using System.CommandLine;
using System.CommandLine.Parsing;
using Microsoft.Extensions.Configuration;

namespace Sessions.Cli;

/// <summary>The command line.</summary>
public static class CliProgram
{
    private const int Failed = 1;
    private const int WrongUsage = 2;

    // The time after Ctrl+C in which a check can delete the resources that it created.
    private static readonly TimeSpan TimeToEnd = TimeSpan.FromSeconds(15);

    /// <summary>Runs one command. Returns 0 if it succeeded, 1 if it failed or was refused, and 2 if its arguments were invalid.</summary>
    /// <param name="args">The command and its arguments.</param>
    /// <param name="output">The writer for results.</param>
    /// <param name="error">The writer for errors, one line for each.</param>
    /// <param name="configuration">The storage settings and the secret. The program reads them from the environment.</param>
    /// <param name="time">The clock.</param>
    public static async Task<int> RunAsync(
        IReadOnlyList<string> args, TextWriter output, TextWriter error, IConfiguration configuration, TimeProvider time)
    {
        var parsed = Root(new(output, configuration, time)).Parse(args.Count > 0 ? args : ["--help"]);
        if (parsed.Errors.Count > 0)
        {
            foreach (var line in parsed.Errors.Select(Describe).Distinct())
                await error.WriteLineAsync(line);
            await error.WriteLineAsync($"Run `{PathOf(parsed.CommandResult)} --help` for usage.");
            return WrongUsage;
        }

        try
        {
            return await parsed.InvokeAsync(new()
            {
                Output = output,
                Error = error,
                EnableDefaultExceptionHandler = false,
                ProcessTerminationTimeout = TimeToEnd,
            });
        }
        catch (Exception exception) when (Explanation(exception) is { } line)
        {
            await error.WriteLineAsync(line);
            return Failed;
        }
    }

    private static RootCommand Root(CliContext context) => new(
        """
        Administers Sessions: manages credentials, events and webhooks, checks a running server, deletes expired rows,
        and manages the data that LocalHost keeps on this machine.

        init, credentials, events, webhooks and purge open the storage that the environment variable Sessions__StorageConnectionString or
        Sessions__StorageTableEndpoint names. For an endpoint, sign in with az login.

        Example:
          export Sessions__StorageTableEndpoint=https://ACCOUNT.table.core.windows.net
          sessions credentials add 9900000 ann
          sessions webhooks add 9900000 https://HOST/PATH --events participant.joined,participant.left
          SESSIONS_SECRET=... sessions check https://HOST --account 9900000 --user ann

        Exit codes: 0 succeeded, 1 failed or refused, 2 wrong arguments.
        """)
    {
        InitCommand.Create(context),
        CredentialCommands.Create(context),
        EventCommands.Create(context),
        WebhookCommands.Create(context),
        CheckCommand.Create(context),
        PurgeCommand.Create(context),
        LocalCommands.Status(context),
        LocalCommands.Reset(context),
        context.OutputFormat,
    };

    /// <summary>
    /// Describes an error, and names a missing argument. The library would name the command instead, once for each argument.
    /// </summary>
    private static string Describe(ParseError mistake)
        => mistake.SymbolResult is ArgumentResult { Tokens.Count: 0, Argument: var argument } ? $"{argument.Name}: missing." : mistake.Message;

    private static string PathOf(CommandResult command)
        => command.Parent is CommandResult parent ? $"{PathOf(parent)} {command.Command.Name}" : "sessions";

    private static string? Explanation(Exception exception) => exception switch
    {
        CliException or InvalidConfigurationException => exception.Message,
        OperationCanceledException => "Stopped.",
        _ => null,
    };
}
