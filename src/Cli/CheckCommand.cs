using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;

namespace Sessions.Cli;

/// <summary><c>sessions check</c>: runs a complete test call against a running server.</summary>
internal static class CheckCommand
{
    private const string SecretVariable = "SESSIONS_SECRET";

    public static Command Create(CliContext context)
    {
        var url = new Argument<string>("URL") { Description = "The URL of the server, for example https://HOST, with or without /v1." };
        url.Validators.Add(given =>
        {
            if (!Uri.TryCreate(given.GetValueOrDefault<string>(), UriKind.Absolute, out var uri) || uri.Scheme is not ("http" or "https"))
                given.AddError("URL: expected an http or https URL, for example https://HOST.");
        });
        var account = new Option<string>("--account") { Description = "The account.", Required = true };
        var user = new Option<string>("--user") { Description = "A user of the account with write access.", Required = true };
        var secret = new Option<string>("--secret")
        {
            Description = $"The user's secret. To hide it from other users of the machine, set the environment variable {SecretVariable} instead.",
            DefaultValueFactory = _ => context.Configuration[SecretVariable] ?? "",
        };
        secret.Validators.Add(given =>
        {
            if (string.IsNullOrEmpty(given.GetValueOrDefault<string>()))
                given.AddError($"--secret: missing. Give it, or set {SecretVariable}.");
        });
        var webhooks = new Option<bool>("--webhooks")
        {
            Description = "Also sends a test event to each webhook of the account. This opens the storage, as sessions webhooks does.",
        };
        var command = new Command(
            "check",
            "Runs a test call against a server, reports how long each step took, and removes the resources that it created. Stops at the first step that fails.")
        {
            url, account, user, secret, webhooks,
        };
        command.SetAction(async (parsed, cancellation) =>
        {
            var accountId = CliContext.AccountOf(parsed.GetRequiredValue(account));
            using var call = new CheckedCall(
                new(parsed.GetRequiredValue(url)), accountId, parsed.GetRequiredValue(user), parsed.GetRequiredValue(secret));
            var done = new JsonArray();
            string? failure;
            try
            {
                var deliveries = parsed.GetValue(webhooks) ? await WebhookCommands.TestsAsync(context, accountId, cancellation) : [];
                failure = await RunAsync(call.Steps.Concat(deliveries), done, context.IsJson(parsed) ? TextWriter.Null : context.Output, cancellation);
            }
            finally
            {
                await call.CleanUpAsync();
            }

            if (context.IsJson(parsed))
                await context.Output.WriteLineAsync(new JsonObject { ["ok"] = failure is null, ["failure"] = failure, ["steps"] = done }.ToJsonString());
            return failure is null ? 0 : throw new CliException(failure);
        });
        return command;
    }

    /// <summary>Runs steps until one fails, and adds each to the completed steps.</summary>
    /// <returns>The name of the failed step with the reason, or null if all succeeded.</returns>
    private static async Task<string?> RunAsync(
        IEnumerable<(string Name, Func<CancellationToken, Task> Run)> steps, JsonArray done, TextWriter output, CancellationToken cancellation)
    {
        foreach (var (name, step) in steps)
        {
            var started = Stopwatch.GetTimestamp();
            var failure = await CheckedCall.FailureOfAsync(step, cancellation);
            var milliseconds = Math.Round(Stopwatch.GetElapsedTime(started).TotalMilliseconds, 1);
            done.Add(new JsonObject { ["step"] = name, ["ok"] = failure is null, ["milliseconds"] = milliseconds });
            await output.WriteLineAsync(Line(name, failure is null, milliseconds));
            if (failure is not null)
                return $"{name}: {failure.ReplaceLineEndings(" ")}";
        }

        return null;
    }

    private static string Line(string step, bool ok, double milliseconds)
        => string.Create(CultureInfo.InvariantCulture, $"{(ok ? "ok    " : "FAILED")}  {milliseconds,8:F1} ms  {step}");
}
