using System.CommandLine;
using Sessions.Gateway;

namespace Sessions.LocalHost;

/// <summary>The arguments of LocalHost.</summary>
/// <param name="Settings">The arguments that are settings, each as <c>--name=value</c>.</param>
/// <param name="DataFolder">The folder for the data, or null for LocalHost's own folder.</param>
/// <param name="Access">The credential to create.</param>
internal sealed record LocalHostArguments(string[] Settings, string? DataFolder, LocalAccess Access)
{
    private const string CredentialVariable = "SESSIONS_LOCAL_CREDENTIAL";
    private const string Description = """
        Runs the API and the gateway on this machine, and keeps their data.

        Pass settings as arguments, for example --Sessions:SessionLifetime=12h, or as environment variables, for example
        Sessions__SessionLifetime=12h.
        --Logging:LogLevel:CATEGORY=LEVEL sets how much is logged.
        """;

    // An unknown argument with at most this many differences from a known one is probably a typing error.
    private const int MostDifferences = 3;

    private static readonly string[] Sections = ["--Sessions:", "--Gateway:", "--Logging:"];

    /// <summary>Reads the arguments. If they request the help or the version, prints it and returns null.</summary>
    /// <exception cref="LocalHostException">An argument is unknown, or has no value or an invalid one.</exception>
    public static async Task<LocalHostArguments?> ReadAsync(IReadOnlyList<string> args)
    {
        var (settings, others) = Separate(args);
        var credential = Environment.GetEnvironmentVariable(CredentialVariable);
        if (others.Count == 0)
            return new([.. settings], null, AccessOf(credential, isOpenToNetwork: false));

        var urls = new Option<string>("--urls") { Description = "The address to listen on. The default is http://localhost:7071.", HelpName = "URL" };
        var data = new Option<string>("--data") { Description = "The folder for the data.", HelpName = "FOLDER" };
        var own = new Option<string>("--credential")
        {
            Description = $"A credential to use instead of local:local. To hide it from other users of the machine, set the environment variable {CredentialVariable} instead.",
            HelpName = "USER:SECRET",
        };
        var open = new Option<bool>("--open-to-network") { Description = "Allows other machines to use the credential local:local if --urls is an address of your network." };
        var root = new RootCommand(WithSettings(Description)) { urls, data, own, open };
        var parsed = root.Parse(others);
        if (parsed.UnmatchedTokens is [_, ..] unknown)
            throw new LocalHostException(Unknown(unknown.FirstOrDefault(token => token.StartsWith('-')) ?? unknown[0], root));
        if (parsed.Errors is [var mistake, ..])
            throw new LocalHostException(mistake.Message);
        if (parsed.Action is not null)
        {
            await parsed.InvokeAsync();
            return null;
        }

        if (parsed.GetValue(urls) is { } url)
            settings.Add($"--urls={url}");
        return new([.. settings], parsed.GetValue(data), AccessOf(parsed.GetValue(own) ?? credential, parsed.GetValue(open)));
    }

    /// <summary>Separates the settings from the other arguments, because the library would split a setting at its first colon.</summary>
    private static (List<string> Settings, List<string> Others) Separate(IReadOnlyList<string> args)
    {
        List<string> settings = [], others = [];
        for (var index = 0; index < args.Count; index++)
        {
            if (!Sections.Any(section => args[index].StartsWith(section, StringComparison.OrdinalIgnoreCase)))
                others.Add(args[index]);
            else if (args[index].Contains('='))
                settings.Add(args[index]);
            else if (index + 1 < args.Count && !args[index + 1].StartsWith("--", StringComparison.Ordinal))
                settings.Add($"{args[index]}={args[++index]}");
            else
                throw new LocalHostException($"{args[index]}: expected a value, for example {args[index]}=VALUE.");
        }

        return (settings, others);
    }

    private static LocalAccess AccessOf(string? credential, bool isOpenToNetwork)
    {
        if (credential is not { Length: > 0 })
            return LocalAccess.Known with { IsOpenToNetwork = isOpenToNetwork };

        return credential.Split(':', 2) is [{ Length: > 0 } user, { Length: > 0 } secret]
            ? new(user, secret, isOpenToNetwork)
            : throw new LocalHostException("--credential: expected a user and a secret with a colon between them, for example ann:SECRET.");
    }

    private static string Unknown(string argument, RootCommand root)
    {
        var name = argument.Split('=', ':')[0];
        var nearest = root.Options.MinBy(option => Setting.Distance(option.Name, name))!.Name;
        return Setting.Distance(nearest, name) <= MostDifferences
            ? $"{argument}: there is no such argument. Did you mean {nearest}?"
            : $"{argument}: there is no such argument. Run with --help to list the arguments, for example --urls http://localhost:PORT.";
    }

    private static string WithSettings(string description)
    {
        var all = SessionsOptions.All.Concat(GatewayOptions.All).ToArray();
        var width = all.Max(setting => setting.Name.Length) + 4;
        return $"{description}\n\nSettings:\n{string.Join('\n', all.Select(setting => $"  {$"--{setting.Name}".PadRight(width)}{setting.Description}"))}";
    }
}
