using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Text.Json.Nodes;
using Sessions.Events;
using Sessions.Model;
using Sessions.Storage;
using Sessions.Webhooks;

namespace Sessions.Cli;

/// <summary><c>sessions webhooks</c>: manages the receivers of an account's events.</summary>
internal static class WebhookCommands
{
    public static Command Create(CliContext context) => new("webhooks", "The receivers of an account's events.")
    {
        Add(context), List(context), Remove(context), Rotate(context), Test(context), Failed(context), Resend(context),
    };

    private static Command Add(CliContext context)
    {
        var account = CliContext.Account();
        var url = new Argument<string>("URL") { Description = "The URL that receives the events, for example https://HOST/PATH." };
        var events = new Option<string>("--events") { Description = "The types of events to send, separated by commas. Without it, all types are sent." };
        events.Validators.Add(given =>
        {
            var types = TypesOf(given.GetValueOrDefault<string>());
            if (types.Length == 0)
                given.AddError("--events: expected at least one type of event. Leave the option out to send all types.");
            if (types.FirstOrDefault(type => !WebhookEvents.All.Contains(type)) is { } unknown)
                given.AddError($"--events: {unknown} is not a type of event. The types are {string.Join(", ", WebhookEvents.All)}.");
        });
        var command = new Command(
            "add",
            "Adds a webhook and prints its id and the generated secret once. The webhook receives later events. Servers notice it within a minute.")
        {
            account, url, events,
        };
        command.SetAction((parsed, cancellation) => context.WithTablesAsync(async tables =>
        {
            var (accountId, text) = (CliContext.AccountOf(parsed.GetRequiredValue(account)), parsed.GetRequiredValue(url));
            if (await WebhookUrl.FindMistakeAsync(text, context.WebhookOptions(), Dns.GetHostAddressesAsync, cancellation) is { } mistake)
                throw new CliException($"URL: {mistake}");

            await new Feeds(tables, context.Time).TurnOnAsync(accountId, cancellation);
            var position = await new EventLog(tables).FindHeadAsync(accountId, cancellation);
            var webhook = await Store(context, tables).AddAsync(
                accountId, new(text), TypesOf(parsed.GetValue(events)), position, cancellation);
            var json = ToJson(webhook);
            json["secret"] = webhook.Secret;
            await context.WriteAsync(parsed, $"webhook  {webhook.Id}{Environment.NewLine}secret   {webhook.Secret}", json);
            return 0;
        }, cancellation));
        return command;
    }

    private static Command List(CliContext context)
    {
        var account = CliContext.Account();
        var command = new Command("list", "Lists the webhooks of an account, with their event types and whether they have ended.") { account };
        command.SetAction((parsed, cancellation) => context.WithTablesAsync(async tables =>
        {
            var accountId = CliContext.AccountOf(parsed.GetRequiredValue(account));
            var webhooks = await Store(context, tables).ListAsync(accountId, cancellation).ToListAsync(cancellation);
            var text = webhooks.Count > 0 ? string.Join(Environment.NewLine, webhooks.Select(Line)) : $"Account {accountId} has no webhooks.";
            await context.WriteAsync(parsed, text, new JsonArray([.. webhooks.Select(ToJson)]));
            return 0;
        }, cancellation));
        return command;
    }

    private static Command Remove(CliContext context)
    {
        var (account, id) = (CliContext.Account(), Id());
        var command = new Command("remove", "Removes a webhook and the events that wait for a retry. Servers notice within a minute.") { account, id };
        command.SetAction((parsed, cancellation) => context.WithTablesAsync(async tables =>
        {
            var (accountId, webhookId) = (CliContext.AccountOf(parsed.GetRequiredValue(account)), parsed.GetRequiredValue(id));
            if (!await Store(context, tables).RemoveAsync(accountId, IdOf(accountId, webhookId), cancellation))
                throw NoSuchWebhook(accountId, webhookId);

            await context.WriteAsync(
                parsed,
                $"{webhookId} is removed.",
                new JsonObject { ["account"] = accountId.ToString(), ["webhook"] = webhookId, ["removed"] = true });
            return 0;
        }, cancellation));
        return command;
    }

    private static Command Rotate(CliContext context)
    {
        var (account, id) = (CliContext.Account(), Id());
        var keep = CliContext.Keep("How long messages are also signed with the previous secret, at most 30d.");
        var command = new Command(
            "rotate", "Generates a new secret for a webhook and prints it once. Messages are signed with both secrets for the time of --keep.") { account, id, keep };
        command.SetAction((parsed, cancellation) => context.WithTablesAsync(async tables =>
        {
            var (accountId, webhookId) = (CliContext.AccountOf(parsed.GetRequiredValue(account)), parsed.GetRequiredValue(id));
            var until = context.Time.GetUtcNow() + parsed.GetValue(keep);
            var secret = await Store(context, tables).RotateAsync(accountId, IdOf(accountId, webhookId), parsed.GetValue(keep), cancellation)
                ?? throw NoSuchWebhook(accountId, webhookId);
            await context.WriteKeptAsync(parsed, until);
            await context.WriteAsync(parsed, secret, new JsonObject
            {
                ["account"] = accountId.ToString(),
                ["webhook"] = webhookId,
                ["secret"] = secret,
                ["previousValidUntil"] = CliContext.Text(until),
            });
            return 0;
        }, cancellation));
        return command;
    }

    private static Command Test(CliContext context)
    {
        var (account, webhookId) = (CliContext.Account(), Id());
        var command = new Command(
            "test", $"Sends a signed event of the type {WebhookEvents.Test} from this machine, and prints the status that the receiver returned.") { account, webhookId };
        command.SetAction((parsed, cancellation) => context.WithTablesAsync(async tables =>
        {
            var accountId = CliContext.AccountOf(parsed.GetRequiredValue(account));
            var webhook = await FindAsync(context, tables, accountId, parsed.GetRequiredValue(webhookId), cancellation);
            var started = Stopwatch.GetTimestamp();
            var (id, status) = await SendTestAsync(context, accountId, webhook, cancellation);
            var milliseconds = Math.Round(Stopwatch.GetElapsedTime(started).TotalMilliseconds, 1);
            await context.WriteAsync(
                parsed,
                string.Create(CultureInfo.InvariantCulture, $"{webhook.Url.IdnHost} returned {status} for {id} in {milliseconds:F1} ms."),
                new JsonObject
                {
                    ["account"] = accountId.ToString(),
                    ["webhook"] = webhook.Id,
                    ["event"] = id,
                    ["status"] = int.Parse(status, CultureInfo.InvariantCulture),
                    ["milliseconds"] = milliseconds,
                });
            return 0;
        }, cancellation));
        return command;
    }

    /// <summary>Creates a step for each active webhook of an account, which sends it a test event.</summary>
    public static async Task<(string Name, Func<CancellationToken, Task> Run)[]> TestsAsync(
        CliContext context, AccountId accountId, CancellationToken cancellation)
    {
        var live = await context.WithTablesAsync(
            tables => Store(context, tables).ListAsync(accountId, cancellation).Where(webhook => webhook.Ended is null).ToListAsync(cancellation).AsTask(),
            cancellation);
        return
        [
            .. live.Select(webhook => (
                $"send a test event to webhook {webhook.Id}", (Func<CancellationToken, Task>)(c => SendTestAsync(context, accountId, webhook, c)))),
        ];
    }

    /// <exception cref="CliException">The test event was not delivered.</exception>
    private static async Task<(string EventId, string Status)> SendTestAsync(
        CliContext context, AccountId accountId, Webhook webhook, CancellationToken cancellation)
    {
        var test = new SessionsEvent($"evt_{Guid.NewGuid():N}", WebhookEvents.Test, context.Time.GetUtcNow(), new(accountId.ToString(), null, null, null, null));
        using var client = new WebhookClient(context.WebhookOptions(), context.Time, Dns.GetHostAddressesAsync);
        var result = await client.SendAsync(webhook, test, cancellation);
        return result.Outcome == TryOutcome.Delivered
            ? (test.Id, result.Text)
            : throw new CliException($"{test.Id} was sent to {webhook.Url.IdnHost} but not delivered: {result.Text}.");
    }

    private static Command Failed(CliContext context)
    {
        var (account, id) = (CliContext.Account(), Id());
        var command = new Command("failed", "Lists the events that could not be delivered within three days. They are kept for seven days.") { account, id };
        command.SetAction((parsed, cancellation) => context.WithTablesAsync(async tables =>
        {
            var accountId = CliContext.AccountOf(parsed.GetRequiredValue(account));
            var webhook = await FindAsync(context, tables, accountId, parsed.GetRequiredValue(id), cancellation);
            var failed = await FailedEvents(context, tables).ListAsync(accountId, webhook.Id, cancellation).ToListAsync(cancellation);
            var lines = failed.Select(one => $"{one.Event.Id}  {one.Event.Type,-24}  {one.At:yyyy-MM-dd HH:mm:ss}Z  {one.Attempts} tries  {one.Reason}");
            var json = failed.Select(one => (JsonNode)new JsonObject
            {
                ["event"] = one.Event.Id,
                ["type"] = one.Event.Type,
                ["failed"] = CliContext.Text(one.At),
                ["tries"] = one.Attempts,
                ["reason"] = one.Reason,
            });
            await context.WriteAsync(
                parsed, failed.Count > 0 ? string.Join(Environment.NewLine, lines) : $"{webhook.Id} has no failed events.", new JsonArray([.. json]));
            return 0;
        }, cancellation));
        return command;
    }

    private static Command Resend(CliContext context)
    {
        var (account, id) = (CliContext.Account(), Id());
        var events = new Argument<string[]>("EVENT") { Description = "The ids of the events to send, as sessions webhooks failed lists them. Without an id, all failed events are sent.", Arity = ArgumentArity.ZeroOrMore };
        var command = new Command("resend", "Sends failed events again, and retries them for another three days.") { account, id, events };
        command.SetAction((parsed, cancellation) => context.WithTablesAsync(async tables =>
        {
            var accountId = CliContext.AccountOf(parsed.GetRequiredValue(account));
            var webhook = await FindAsync(context, tables, accountId, parsed.GetRequiredValue(id), cancellation);
            if (webhook.Ended is not null)
                throw new CliException($"{webhook.Id} has ended and receives no events. Add the URL again with sessions webhooks add.");

            var store = FailedEvents(context, tables);
            var failed = await store.ListAsync(accountId, webhook.Id, cancellation).ToListAsync(cancellation);
            var wanted = parsed.GetValue(events) ?? [];
            if (wanted.Except(failed.Select(one => one.Event.Id)).FirstOrDefault() is { } unknown)
                throw new CliException($"{unknown} is not a failed event of {webhook.Id}. To list the failed events, run sessions webhooks failed.");

            var sent = 0;
            foreach (var one in failed.Where(one => wanted.Length == 0 || wanted.Contains(one.Event.Id)))
                sent += await store.ResendAsync(accountId, webhook.Id, one, cancellation) ? 1 : 0;
            await context.WithQueuesAsync(_ => store.WakeAsync(accountId, webhook.Id, cancellation), cancellation);
            await context.WriteAsync(
                parsed,
                $"Events that will be sent again: {sent}.",
                new JsonObject { ["account"] = accountId.ToString(), ["webhook"] = webhook.Id, ["events"] = sent });
            return 0;
        }, cancellation));
        return command;
    }

    private static Argument<string> Id() => new("WEBHOOK") { Description = "The webhook's id, as sessions webhooks list prints it." };

    private static WebhookStore Store(CliContext context, Tables tables) => new(tables, context.Time);

    private static FailedEvents FailedEvents(CliContext context, Tables tables) => new(tables, WebhookMessages.Over(context.ConnectQueues()), context.Time);

    private static async Task<Webhook> FindAsync(CliContext context, Tables tables, AccountId accountId, string webhookId, CancellationToken cancellation)
        => await Store(context, tables).FindAsync(accountId, IdOf(accountId, webhookId), cancellation) ?? throw NoSuchWebhook(accountId, webhookId);

    /// <summary>Returns the id if it is valid, so that it can be part of a key.</summary>
    private static string IdOf(AccountId accountId, string webhookId)
        => webhookId.Length > 0 && webhookId.All(char.IsAsciiHexDigitLower) ? webhookId : throw NoSuchWebhook(accountId, webhookId);

    private static CliException NoSuchWebhook(AccountId accountId, string webhookId)
        => new($"{webhookId} is not a webhook of account {accountId}. To list the webhooks, run sessions webhooks list.");

    private static string[] TypesOf(string? events)
        => (events ?? "").Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);

    private static string Line(Webhook webhook)
    {
        var line = $"{webhook.Id}  {webhook.Created:yyyy-MM-dd HH:mm:ss}Z  {(webhook.Events.Count == 0 ? "all" : string.Join(',', webhook.Events))}  {webhook.Url}";
        return webhook.Ended is { } ended ? $"{line}  ended {ended.At:yyyy-MM-dd HH:mm:ss}Z: {ended.Because}" : line;
    }

    private static JsonObject ToJson(Webhook webhook)
    {
        var json = new JsonObject
        {
            ["account"] = webhook.AccountId.ToString(),
            ["webhook"] = webhook.Id,
            ["url"] = webhook.Url.AbsoluteUri,
            ["events"] = new JsonArray([.. (webhook.Events.Count == 0 ? WebhookEvents.All : webhook.Events).Select(type => JsonValue.Create(type))]),
            ["created"] = CliContext.Text(webhook.Created),
        };
        if (webhook.Ended is { } ended)
            (json["ended"], json["reason"]) = (CliContext.Text(ended.At), ended.Because);
        return json;
    }
}
