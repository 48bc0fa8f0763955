using Azure.Data.Tables;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Sessions.Endpoints;
using Sessions.Model;
using Sessions.Security;
using Sessions.Storage;
using Sessions.Testing;
using Sessions.Webhooks;

namespace Sessions.Tests.Webhooks;

/// <summary>The rows of webhooks, their settings, and the messages of the queue.</summary>
public sealed class WebhookStoreTests(AzuriteFixture azurite)
{
    private static readonly CancellationToken None = CancellationToken.None;

    [Fact]
    public async Task A_webhook_is_stored_as_a_row_in_the_partition_of_its_account()
    {
        using var bench = await WebhookBench.StartAsync(azurite);
        await new CredentialStore(bench.Tables, bench.Time).AddAsync(WebhookBench.Account, "ann", new([1], Access.Read), None);

        var webhook = await bench.Store.AddAsync(WebhookBench.Account, new("https://example.com/?a=b"), ["session.created", "session.deleted"], 7, None);

        var rows = await bench.Tables.Credentials.QueryAsync<TableEntity>().ToListAsync();
        Assert.Equal([Convert.ToHexStringLower("ann"u8), $"webhook:{webhook.Id}"], rows.Select(row => row.RowKey));
        Assert.All(rows, row => Assert.Equal("9900000", row.PartitionKey));
        Assert.Matches("^[0-9a-f]{16}$", webhook.Id);
        Assert.Equal(
            [("Created", typeof(DateTimeOffset)), ("Events", typeof(string)), ("Position", typeof(long)), ("Secret", typeof(string)), ("Url", typeof(string))],
            Columns(rows[1]));
        Assert.Equal(("https://example.com/?a=b", "session.created,session.deleted", 7L), (rows[1].GetString("Url"), rows[1].GetString("Events"), rows[1].GetInt64("Position")));
    }

    [Fact]
    public async Task Users_and_webhooks_are_listed_separately()
    {
        using var bench = await WebhookBench.StartAsync(azurite);
        var credentials = new CredentialStore(bench.Tables, bench.Time);
        await credentials.AddAsync(WebhookBench.Account, "ann", new([1], Access.Read), None);
        await credentials.AddAsync(WebhookBench.Account, "zoë", new([1], Access.Read), None);
        var webhook = await bench.AddAsync(new Uri("https://example.com"));

        Assert.Equal(["ann", "zoë"], await credentials.ListAsync(WebhookBench.Account, None).Select(user => user.Name).ToListAsync());
        Assert.Equal([webhook.Id], await bench.Store.ListAsync(WebhookBench.Account, None).Select(listed => listed.Id).ToListAsync());
        Assert.Empty(await bench.Store.ListAsync(AccountId.Parse("another"), None).ToListAsync());
    }

    [Fact]
    public async Task A_rotated_webhook_also_has_the_previous_secret_and_its_expiry()
    {
        using var bench = await WebhookBench.StartAsync(azurite);
        var webhook = await bench.AddAsync(new Uri("https://example.com"));

        var secret = await bench.Store.RotateAsync(WebhookBench.Account, webhook.Id, TimeSpan.FromHours(1), None);

        var stored = (await bench.Store.FindAsync(WebhookBench.Account, webhook.Id, None))!;
        Assert.Equal((secret, (webhook.Secret, bench.Time.GetUtcNow().AddHours(1))), (stored.Secret, stored.Previous));
        Assert.Null(await bench.Store.RotateAsync(WebhookBench.Account, "0000000000000000", TimeSpan.FromHours(1), None));
    }

    [Fact]
    public async Task Progress_is_stored_as_a_cursor_and_a_row_for_each_held_event()
    {
        using var bench = await WebhookBench.StartAsync(azurite);
        await using var receiver = await Receiver.StartAsync(_ => 500);
        var webhook = await bench.AddAsync(receiver);
        var session = Guid.NewGuid();
        await bench.AppendAsync(session);
        await bench.AppendAsync(session);
        await bench.DeliverAsync();

        var rows = await bench.RowsAsync(webhook);

        Assert.Equal(
            [("Holder", typeof(string)), ("LeaseUntil", typeof(DateTimeOffset)), ("PausedUntil", typeof(DateTimeOffset)), ("Position", typeof(long)), ("Wake", typeof(DateTimeOffset))],
            Columns(rows["cursor"]));
        (string, Type)[] waiting =
        [
            ("Attempts", typeof(int)), ("Data", typeof(byte[])), ("Id", typeof(string)), ("Next", typeof(DateTimeOffset)), ("Since", typeof(DateTimeOffset)),
            ("Time", typeof(DateTimeOffset)), ("Type", typeof(string)),
        ];
        Assert.Equal(waiting, Columns(rows["held:000000000000002"]));
        Assert.Equal([("Reason", typeof(string))], Columns(rows["held:000000000000001"]).Except(waiting));
        Assert.Equal($$"""{"accountId":"9900000","sessionId":"{{session}}"}""", rows["held:000000000000001"].GetBinaryData("Data").ToString());
    }

    [Theory]
    [InlineData(null, null, false, false, false)]
    [InlineData("true", null, true, false, false)]
    [InlineData("False", "false", false, false, false)]
    [InlineData(null, "true", false, true, true)]
    [InlineData(null, "loopback", false, true, false)]
    public void The_settings_determine_which_receivers_are_allowed(string? http, string? addresses, bool allowHttp, bool allowLoopback, bool allowPrivate)
        => Assert.Equal(new(allowHttp, allowLoopback, allowPrivate), WebhookOptions.Read(Settings(http, addresses), WebhookOptions.Strict));

    [Fact]
    public void Invalid_settings_are_reported()
        => Assert.Equal(
            "Sessions__Webhooks__AllowHttp: expected true or false.\nSessions__Webhooks__AllowPrivateAddresses: expected true, false or loopback.",
            Assert.Throws<InvalidConfigurationException>(() => WebhookOptions.Read(Settings("1", "all"), WebhookOptions.Strict)).Message);

    [Fact]
    public async Task The_function_accepts_a_valid_message_and_an_unreadable_one_without_an_error()
    {
        await using var sessions = new InMemorySessions();
        var function = ActivatorUtilities.CreateInstance<DeliverWebhooks>(sessions.Services);

        await function.Run("""{"account":"9900000","webhook":"0123456789abcdef"}""", None);
        await function.Run("something else", None);
    }

    [Theory]
    [InlineData("""{"account":"9900000","webhook":"0123456789abcdef"}""", true)]
    [InlineData("""{"account":"9900000","webhook":"0123456789abcdef","more":1}""", true)]
    [InlineData("""{"account":"99/00000","webhook":"0123456789abcdef"}""", false)]
    [InlineData("""{"account":"9900000","webhook":"' or 1"}""", false)]
    [InlineData("""{"account":"9900000","webhook":""}""", false)]
    [InlineData("""{"account":"9900000"}""", false)]
    [InlineData("null", false)]
    [InlineData("[]", false)]
    [InlineData("", false)]
    [InlineData("text", false)]
    [InlineData("""{"account":"9900000","participant":"0199a3c2-8a11-7c3b-9d52-1f0e2d3c4b5a"}""", true)]
    [InlineData("""{"account":"9900000","participant":"0199a3c2"}""", false)]
    public void A_message_must_name_an_account_and_a_webhook_or_a_participant(string text, bool isRead)
        => Assert.Equal(isRead, WebhookMessages.TryRead(text, out _, out _, out _));

    private static IConfiguration Settings(string? http, string? addresses) => new ConfigurationBuilder().AddInMemoryCollection(
        [new("Sessions:Webhooks:AllowHttp", http), new("Sessions:Webhooks:AllowPrivateAddresses", addresses)]).Build();

    private static IEnumerable<(string Name, Type Type)> Columns(TableEntity row)
        => row.Where(column => column.Key is not ("PartitionKey" or "RowKey" or "Timestamp" or "odata.etag"))
            .OrderBy(column => column.Key, StringComparer.Ordinal)
            .Select(column => (column.Key, column.Value.GetType()));
}
