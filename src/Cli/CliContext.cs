using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Configuration;
using Sessions.Model;
using Sessions.Storage;
using Sessions.Webhooks;

namespace Sessions.Cli;

/// <summary>The context of all commands: the output, the settings and the clock.</summary>
internal sealed class CliContext(TextWriter output, IConfiguration configuration, TimeProvider time)
{
    public TextWriter Output => output;

    public IConfiguration Configuration => configuration;

    public TimeProvider Time => time;

    private static readonly TimeSpan DefaultKeep = TimeSpan.FromHours(1);
    private static readonly TimeSpan MaxKeep = TimeSpan.FromDays(30);

    public Option<string> OutputFormat { get; } = MakeOutputFormat();

    public bool IsJson(ParseResult parsed) => parsed.GetValue(OutputFormat) == "json";

    /// <summary>Whether the output goes to a terminal, so that progress can be shown.</summary>
    public bool IsWatched(ParseResult parsed) => !IsJson(parsed) && ReferenceEquals(output, Console.Out) && !Console.IsOutputRedirected;

    /// <summary>Writes a result in the requested format.</summary>
    public Task WriteAsync(ParseResult parsed, string text, JsonNode json)
        => output.WriteLineAsync(IsJson(parsed) ? json.ToJsonString() : text);

    /// <summary>Runs an action with the tables. If they cannot be used, the exception explains why in one line.</summary>
    /// <exception cref="CliException">Storage cannot be used.</exception>
    /// <exception cref="InvalidConfigurationException">A setting is missing or invalid.</exception>
    public async Task<T> WithTablesAsync<T>(Func<Tables, Task<T>> action, CancellationToken cancellation)
    {
        var service = StorageOptions.Read(configuration).Connect(StorageClient.Options());
        try
        {
            return await action(new(service));
        }
        catch (Exception exception) when (!cancellation.IsCancellationRequested && StorageMistakes.Explain(exception, service.Uri, StorageMistakes.TableRole) is { } line)
        {
            throw new CliException(line);
        }
    }

    /// <summary>Creates a client of the queues. It connects when it is first used.</summary>
    public Queues ConnectQueues()
    {
        var storage = StorageOptions.Read(configuration);
        return new(() => storage.ConnectQueues(Queues.ClientOptions()));
    }

    /// <summary>Runs an action with the queues. If they cannot be used, the exception explains why in one line.</summary>
    /// <exception cref="CliException">Storage cannot be used.</exception>
    public async Task WithQueuesAsync(Func<Queues, Task> action, CancellationToken cancellation)
    {
        var queues = ConnectQueues();
        try
        {
            await action(queues);
        }
        catch (Exception exception) when (!cancellation.IsCancellationRequested
            && StorageMistakes.Explain(exception, queues.Events.Uri, StorageMistakes.QueueRole) is { } line)
        {
            throw new CliException(line);
        }
    }

    public static Argument<string> Account() => new("ACCOUNT") { Description = "The account id, as in the API's paths, for example 9900000." };

    /// <summary>Reads the account that the user gave.</summary>
    /// <exception cref="CliException">The text is not a valid account id.</exception>
    public static AccountId AccountOf(string account)
        => AccountId.TryParse(account, out var id) ? id : throw new CliException(
            $"{account} is not a valid account id: expected 1 to 64 letters, digits, - and _.");

    /// <summary>The option for how long a rotated secret is kept. The default is an hour.</summary>
    public static Option<TimeSpan> Keep(string description) => new("--keep")
    {
        Description = description,
        DefaultValueFactory = _ => DefaultKeep,
        HelpName = "TIME",
        CustomParser = given =>
        {
            if (Durations.TryParse(given.Tokens[0].Value, out var time) && time <= MaxKeep)
                return time;

            given.AddError($"--keep: expected a time of 0s to 30d, {Durations.Describe(DefaultKeep)}.");
            return default;
        },
    };

    /// <summary>
    /// Reports until when a replaced secret is valid. It is written to the error output, because the output contains only the new secret,
    /// for scripts.
    /// </summary>
    public Task WriteKeptAsync(ParseResult parsed, DateTimeOffset until)
        => IsJson(parsed) ? Task.CompletedTask : parsed.InvocationConfiguration.Error.WriteLineAsync(
            string.Create(CultureInfo.InvariantCulture, $"The previous secret is valid until {until:yyyy-MM-dd HH:mm:ss}Z."));

    /// <summary>
    /// The rules for receivers that the servers use. Servers with storage on this machine are LocalHost, which also allows receivers on
    /// this machine.
    /// </summary>
    /// <exception cref="InvalidConfigurationException">A setting is invalid.</exception>
    public WebhookOptions WebhookOptions()
    {
        var isLocal = StorageOptions.Read(configuration).Connect(StorageClient.Options()).Uri.IsLoopback;
        return Webhooks.WebhookOptions.Read(configuration, isLocal ? Webhooks.WebhookOptions.Local : Webhooks.WebhookOptions.Strict);
    }

    /// <summary>Formats a time for JSON.</summary>
    public static string Text(DateTimeOffset time) => time.UtcDateTime.ToString("O", CultureInfo.InvariantCulture);

    private static Option<string> MakeOutputFormat()
    {
        var format = new Option<string>("--output")
        {
            Description = "The format of the results. Errors are always lines of text.",
            DefaultValueFactory = _ => "text",
            Recursive = true,
        };
        return format.AcceptOnlyFromAmong("text", "json");
    }
}
