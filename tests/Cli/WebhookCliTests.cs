using System.Text;
using System.Text.Json;
using System.Xml.Linq;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging;
using Sessions.Cli;
using Sessions.Tests.Webhooks;
using Sessions.Webhooks;

namespace Sessions.Tests;

/// <summary><c>sessions webhooks</c>, over the tables in which webhooks are delivered.</summary>
public sealed class WebhookCliTests(AzuriteFixture azurite)
{
    private const string Account = "9900000";

    [Fact]
    public async Task An_added_webhook_receives_events_signed_with_the_printed_secret()
    {
        using var bench = await WebhookBench.StartAsync(azurite);
        await using var receiver = await Receiver.StartAsync();

        var added = JsonElement.Parse(await DoneAsync(bench, "webhooks", "add", Account, $"{receiver.Url}hook?key=1", "--events", "session.created, session.deleted", "--output", "json"));
        await bench.AppendAsync(Guid.NewGuid());
        await bench.DeliverAsync();

        Assert.Equal(["account", "webhook", "url", "events", "created", "secret"], added.EnumerateObject().Select(field => field.Name));
        var received = Assert.Single(receiver.All);
        var secret = added.GetProperty("secret").GetString()!;
        Assert.Equal(WebhookSecret.Sign([secret], received.Id, received.Seconds, Encoding.UTF8.GetBytes(received.Body)), received.Signature);
        Assert.Equal("/hook?key=1", received.Path);
    }

    [Fact]
    public async Task The_secret_is_printed_once()
    {
        using var bench = await WebhookBench.StartAsync(azurite);

        var text = await DoneAsync(bench, "webhooks", "add", Account, "https://hooks.invalid/");

        Assert.Matches("^webhook  [0-9a-f]{16}\nsecret   whsec_[A-Za-z0-9+/]{43}=$", text.ReplaceLineEndings("\n"));
        var id = text[9..25];
        var list = await DoneAsync(bench, "webhooks", "list", Account);
        Assert.Equal($"{id}  2026-03-01 12:00:00Z  all  https://hooks.invalid/", list);
        Assert.DoesNotContain("whsec_", await DoneAsync(bench, "webhooks", "list", Account, "--output", "json"), StringComparison.Ordinal);
        Assert.Equal("Account another has no webhooks.", await DoneAsync(bench, "webhooks", "list", "another"));
    }

    [Theory]
    [InlineData("URL: expected an absolute https URL, for example https://HOST/PATH.", "http://example.com/")]
    [InlineData("URL: expected an absolute https URL, for example https://HOST/PATH.", "ftp://example.com/")]
    [InlineData("URL: expected an absolute https URL, for example https://HOST/PATH.", "hook")]
    [InlineData("URL: expected no user name and no password, because each message is signed instead.", "https://user:password@example.com/")]
    [InlineData("URL: expected no fragment, because a fragment is never sent.", "https://example.com/#fragment")]
    [InlineData("URL: 10.0.0.1 is not a public address, and webhooks are sent only to public addresses.", "https://10.0.0.1/")]
    [InlineData("URL: 169.254.169.254 is not a public address, and webhooks are sent only to public addresses.", "https://169.254.169.254/")]
    [InlineData("URL: localhost has no public address, and webhooks are sent only to public addresses.", "https://localhost:7071/")]
    public async Task A_URL_that_delivery_would_reject_is_rejected_when_it_is_added(string line, string url)
    {
        using var bench = await WebhookBench.StartAsync(azurite);

        var run = await RunAsync(
            bench, [("Sessions:Webhooks:AllowHttp", "false"), ("Sessions:Webhooks:AllowPrivateAddresses", "false")], "webhooks", "add", Account, url);

        Assert.Equal((1, "", line), run);
        Assert.Empty(await bench.Tables.Credentials.QueryAsync<Azure.Data.Tables.TableEntity>().ToListAsync());
    }

    [Theory]
    [InlineData("")]
    [InlineData(" , ")]
    public async Task An_empty_list_of_event_types_is_not_a_subscription_to_all_types(string events)
    {
        using var bench = await WebhookBench.StartAsync(azurite);

        var (exitCode, _, error) = await RunAsync(bench, [], "webhooks", "add", Account, "https://example.com", "--events", events);

        Assert.Equal((2, "--events: expected at least one type of event. Leave the option out to send all types."), (exitCode, error.Split(Environment.NewLine)[0]));
        Assert.Empty(await bench.Tables.Credentials.QueryAsync<Azure.Data.Tables.TableEntity>().ToListAsync());
    }

    [Fact]
    public async Task An_unknown_event_type_and_an_invalid_setting_are_reported()
    {
        using var bench = await WebhookBench.StartAsync(azurite);

        var (exitCode, _, error) = await RunAsync(bench, [], "webhooks", "add", Account, "https://example.com", "--events", "session.created,session.exploded");
        Assert.Equal((2, "--events: session.exploded is not a type of event. The types are session.created, session.deleted, session.ended, participant.created, participant.joined, participant.left, participant.connected, participant.disconnected."), (exitCode, error.Split(Environment.NewLine)[0]));
        Assert.Equal(
            (1, "", "Sessions__Webhooks__AllowHttp: expected true or false."),
            await RunAsync(bench, [("Sessions:Webhooks:AllowHttp", "maybe")], "webhooks", "add", Account, "https://example.com"));
    }

    [Fact]
    public async Task Rotating_a_webhook_prints_its_new_secret()
    {
        using var bench = await WebhookBench.StartAsync(azurite);
        var webhook = await bench.AddAsync(new Uri("https://example.com"));

        var (_, secret, error) = await RunAsync(bench, [], "webhooks", "rotate", Account, webhook.Id, "--keep", "10m");

        Assert.Equal($"The previous secret is valid until {bench.Time.GetUtcNow().AddMinutes(10):yyyy-MM-dd HH:mm:ss}Z.", error);
        var stored = (await bench.Store.FindAsync(WebhookBench.Account, webhook.Id, CancellationToken.None))!;
        Assert.Equal((secret, (webhook.Secret, bench.Time.GetUtcNow().AddMinutes(10))), (stored.Secret, stored.Previous));
    }

    [Fact]
    public async Task Every_command_reports_a_removed_or_unknown_webhook()
    {
        using var bench = await WebhookBench.StartAsync(azurite);
        var webhook = await bench.AddAsync(new Uri("https://example.com"));

        Assert.Equal($"{webhook.Id} is removed.", await DoneAsync(bench, "webhooks", "remove", Account, webhook.Id));

        foreach (var id in new[] { webhook.Id, "' or 1", "X" })
        {
            foreach (var command in "remove rotate test failed resend".Split(' '))
            {
                Assert.Equal(
                    (1, "", $"{id} is not a webhook of account {Account}. To list the webhooks, run sessions webhooks list."),
                    await RunAsync(bench, [], "webhooks", command, Account, id));
            }
        }
    }

    [Fact]
    public async Task A_test_sends_a_signed_event_immediately_and_prints_the_status()
    {
        using var bench = await WebhookBench.StartAsync(azurite);
        await using var receiver = await Receiver.StartAsync(_ => 202);
        var webhook = await bench.AddAsync(receiver);

        var text = await DoneAsync(bench, "webhooks", "test", Account, webhook.Id);

        var received = Assert.Single(receiver.All);
        Assert.Matches($@"^127\.0\.0\.1 returned 202 for {received.Id} in [0-9.]+ ms\.$", text);
        Assert.Equal("""{"type":"webhook.test","timestamp":"2026-03-01T12:00:00Z","data":{"accountId":"9900000"}}""", received.Body);
        Assert.Equal(WebhookSecret.Sign([webhook.Secret], received.Id, received.Seconds, Encoding.UTF8.GetBytes(received.Body)), received.Signature);
    }

    [Fact]
    public async Task A_test_that_is_not_delivered_fails_with_the_reason()
    {
        using var bench = await WebhookBench.StartAsync(azurite);
        await using var receiver = await Receiver.StartAsync(_ => 418);
        var webhook = await bench.AddAsync(receiver);

        var (exitCode, output, error) = await RunAsync(bench, [], "webhooks", "test", Account, webhook.Id);

        Assert.Equal((1, ""), (exitCode, output));
        Assert.Matches(@"^evt_[0-9a-f]{32} was sent to 127\.0\.0\.1 but not delivered: 418\.$", error);
    }

    [Fact]
    public async Task An_ended_webhook_is_listed_with_the_reason_and_cannot_resend_events()
    {
        using var bench = await WebhookBench.StartAsync(azurite);
        await using var receiver = await Receiver.StartAsync(_ => 410);
        var webhook = await bench.AddAsync(receiver);
        await bench.AppendAsync(Guid.NewGuid());
        await bench.DeliverAsync();

        Assert.EndsWith($"{receiver.Url}  ended 2026-03-01 12:00:00Z: the receiver returned 410", await DoneAsync(bench, "webhooks", "list", Account), StringComparison.Ordinal);
        Assert.Equal(
            (1, "", $"{webhook.Id} has ended and receives no events. Add the URL again with sessions webhooks add."),
            await RunAsync(bench, [], "webhooks", "resend", Account, webhook.Id));
    }

    [Fact]
    public async Task Failed_events_are_listed_and_can_be_resent()
    {
        using var bench = await WebhookBench.StartAsync(azurite);
        await using var queue = await Queue.StartAsync();
        await using var receiver = await Receiver.StartAsync((http, _) =>
        {
            http.Response.StatusCode = 429;
            http.Response.Headers.RetryAfter = "300000";
            return Task.CompletedTask;
        });
        var webhook = await bench.AddAsync(receiver);
        Assert.Equal($"{webhook.Id} has no failed events.", await DoneAsync(bench, "webhooks", "failed", Account, webhook.Id));
        var id = await bench.AppendAsync(Guid.NewGuid());
        await bench.DeliverAsync();

        Assert.Equal($"{id}  session.created           2026-03-01 12:00:00Z  1 tries  429", await DoneAsync(bench, "webhooks", "failed", Account, webhook.Id));
        Assert.Equal(
            (1, "", $"evt_1 is not a failed event of {webhook.Id}. To list the failed events, run sessions webhooks failed."),
            await RunAsync(bench, [queue.Setting(bench)], "webhooks", "resend", Account, webhook.Id, "evt_1"));
        Assert.Equal((0, "Events that will be sent again: 1.", ""), await RunAsync(bench, [queue.Setting(bench)], "webhooks", "resend", Account, webhook.Id, id));

        Assert.True(WebhookMessages.TryRead(Assert.Single(queue.Messages), out _, out var woken, out _));
        Assert.Equal(webhook.Id, woken);
        receiver.Respond = (_, _) => Task.CompletedTask;
        bench.Time.Advance(RetrySchedule.LongestPause);
        await bench.RunDueAsync();
        Assert.Equal([id, id], receiver.Ids);
        await bench.IsDoneAsync(webhook);
    }

    private static async Task<string> DoneAsync(WebhookBench bench, params string[] args)
    {
        var (exitCode, output, error) = await RunAsync(bench, [], args);
        Assert.Equal((0, ""), (exitCode, error));
        return output;
    }

    private static async Task<(int ExitCode, string Output, string Error)> RunAsync(
        WebhookBench bench, (string Name, string Value)[] settings, params string[] args)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        var all = new Dictionary<string, string?> { ["Sessions:StorageConnectionString"] = bench.ConnectionString };
        foreach (var (name, value) in settings)
            all[name] = value;
        var configuration = new ConfigurationBuilder().AddInMemoryCollection(all).Build();
        var exitCode = await CliProgram.RunAsync(args, output, error, configuration, bench.Time);
        return (exitCode, output.ToString().TrimEnd(), error.ToString().TrimEnd());
    }

    /// <summary>The part of a storage account's queue that is needed to send messages to it.</summary>
    private sealed class Queue(WebApplication app) : IAsyncDisposable
    {
        private readonly List<string> _messages = [];

        public IReadOnlyList<string> Messages => _messages;

        public static async Task<Queue> StartAsync()
        {
            var builder = WebApplication.CreateSlimBuilder(["--urls=http://127.0.0.1:0"]);
            builder.Logging.ClearProviders();
            var app = builder.Build();
            var queue = new Queue(app);
            app.MapPost("/account/sessions-webhooks/messages", async http =>
            {
                var message = await XDocument.LoadAsync(http.Request.Body, LoadOptions.None, http.RequestAborted);
                queue._messages.Add(Encoding.UTF8.GetString(Convert.FromBase64String(message.Root!.Element("MessageText")!.Value)));
                http.Response.StatusCode = StatusCodes.Status201Created;
                http.Response.ContentType = "application/xml";
                await http.Response.WriteAsync(
                    """
                    <?xml version="1.0" encoding="utf-8"?><QueueMessagesList><QueueMessage><MessageId>1</MessageId>
                    <InsertionTime>Sun, 01 Mar 2026 12:00:00 GMT</InsertionTime><ExpirationTime>Sun, 08 Mar 2026 12:00:00 GMT</ExpirationTime>
                    <PopReceipt>1</PopReceipt><TimeNextVisible>Sun, 01 Mar 2026 12:00:00 GMT</TimeNextVisible></QueueMessage></QueueMessagesList>
                    """);
            });
            await app.StartAsync();
            return queue;
        }

        /// <summary>The setting that connects to the bench's tables and to this queue.</summary>
        public (string Name, string Value) Setting(WebhookBench bench)
        {
            var others = bench.ConnectionString.Split(';').Where(part => part.Length > 0 && !part.StartsWith("QueueEndpoint=", StringComparison.Ordinal));
            return ("Sessions:StorageConnectionString", $"{string.Join(';', others)};QueueEndpoint={app.Urls.First()}/account");
        }

        public ValueTask DisposeAsync() => app.DisposeAsync();
    }
}
