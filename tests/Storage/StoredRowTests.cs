using System.Net;
using System.Text.Json;
using Azure.Data.Tables;
using Sessions.Events;
using Sessions.Model;
using Sessions.Security;
using Sessions.Storage;

namespace Sessions.Tests;

/// <summary>The stored rows. Their keys and columns are a contract with the existing data.</summary>
public sealed class StoredRowTests(Server server) : IClassFixture<Server>
{
    [Fact]
    public async Task A_session_is_stored_as_its_header()
    {
        var account = await server.NewAccountAsync();
        var session = await account.CreateSessionAsync("""{"tag":"standup"}""");

        var row = await RowAsync(server.Tables.Sessions, $"{account.Id}:{session}", "header");

        HasColumns(row, ("Created", typeof(DateTimeOffset)), ("Events", typeof(long)), ("Expires", typeof(DateTimeOffset)), ("Members", typeof(byte[])), ("Tag", typeof(string)), ("Version", typeof(string)), ("WriteId", typeof(string)));
        Assert.Equal("standup", row.GetString("Tag"));
        Assert.Equal(TimeSpan.FromHours(9), row.GetDateTimeOffset("Expires") - row.GetDateTimeOffset("Created"));
    }

    [Fact]
    public async Task A_session_without_a_tag_has_no_Tag_column()
    {
        var account = await server.NewAccountAsync();
        var session = await account.CreateSessionAsync();

        var row = await RowAsync(server.Tables.Sessions, $"{account.Id}:{session}", "header");

        HasColumns(row, ("Created", typeof(DateTimeOffset)), ("Events", typeof(long)), ("Expires", typeof(DateTimeOffset)), ("Members", typeof(byte[])), ("Version", typeof(string)), ("WriteId", typeof(string)));
    }

    [Fact]
    public async Task A_participant_is_stored_as_its_fields_and_an_empty_claim()
    {
        var account = await server.NewAccountAsync();
        var participant = await account.CreateParticipantAsync(
            """{"callbackUrl":"https://example.com","publishPermissions":["AUDIO","VIDEO"],"tag":"ann","deviceApiVersion":"V2"}""");

        var row = await RowAsync(server.Tables.Participants, $"{account.Id}:{participant}", "participant");

        HasColumns(
            row,
            ("CallbackUrl", typeof(string)), ("Created", typeof(DateTimeOffset)), ("DeviceApiVersion", typeof(string)), ("Expires", typeof(DateTimeOffset)),
            ("PublishPermissions", typeof(string)), ("SessionId", typeof(string)), ("Tag", typeof(string)), ("WriteId", typeof(string)));
        Assert.Equal("https://example.com", row.GetString("CallbackUrl"));
        Assert.Equal("V2", row.GetString("DeviceApiVersion"));
        Assert.Equal("AUDIO,VIDEO", row.GetString("PublishPermissions"));
        Assert.Equal("ann", row.GetString("Tag"));
        Assert.Equal("", row.GetString("SessionId"));
        Assert.Equal(TimeSpan.FromHours(9), row.GetDateTimeOffset("Expires") - row.GetDateTimeOffset("Created"));
    }

    [Fact]
    public async Task A_member_row_has_subscriptions_and_participant_fields_and_the_claim_names_its_session()
    {
        var account = await server.NewAccountAsync();
        var session = await account.CreateSessionAsync();
        var participant = await account.CreateParticipantAsync("""{"callbackUrl":"https://example.com","publishPermissions":["AUDIO"],"tag":"ann"}""");
        await account.JoinAsync(session, participant, $$"""{"sessionId":"{{session}}"}""");

        var row = await RowAsync(server.Tables.Sessions, $"{account.Id}:{session}", $"member:{participant}");

        HasColumns(
            row,
            ("CallbackUrl", typeof(string)), ("DeviceApiVersion", typeof(string)), ("Expires", typeof(DateTimeOffset)), ("Joined", typeof(DateTimeOffset)),
            ("PublishPermissions", typeof(string)), ("Subscriptions", typeof(byte[])), ("Tag", typeof(string)), ("WriteId", typeof(string)));
        Assert.Equal($$"""{"sessionId":"{{session}}"}""", row.GetBinaryData("Subscriptions").ToString());
        var header = await RowAsync(server.Tables.Sessions, $"{account.Id}:{session}", "header");
        Assert.Equal(header.GetDateTimeOffset("Expires"), row.GetDateTimeOffset("Expires"));
        Assert.Equal(session, (await RowAsync(server.Tables.Participants, $"{account.Id}:{participant}", "participant")).GetString("SessionId"));
    }

    [Fact]
    public async Task An_outbox_has_one_numbered_row_with_the_events_of_each_change()
    {
        var account = await server.NewAccountAsync();
        var session = await account.CreateSessionAsync("""{"tag":"standup"}""");
        var participant = await account.CreateParticipantAsync("""{"tag":"ann"}""");
        await account.JoinAsync(session, participant);
        await account.DeleteAsync($"/sessions/{session}/participants/{participant}");
        await account.JoinAsync(session, participant);
        await account.DeleteAsync($"/sessions/{session}");
        var withoutTag = await account.CreateParticipantAsync();

        Assert.Equal(["participant.created ann"], await EventsAsync(server.Tables.Participants, participant, 0));
        Assert.Equal(["participant.created"], await EventsAsync(server.Tables.Participants, withoutTag, 0));
        Assert.Equal(["session.created standup"], await EventsAsync(server.Tables.Sessions, session, 1));
        Assert.Equal([$"participant.joined {participant}"], await EventsAsync(server.Tables.Sessions, session, 2));
        Assert.Equal([$"participant.left {participant} removed"], await EventsAsync(server.Tables.Sessions, session, 3));
        Assert.Equal([$"participant.joined {participant}"], await EventsAsync(server.Tables.Sessions, session, 4));
        Assert.Equal([$"participant.left {participant} sessionEnded", "session.deleted"], await EventsAsync(server.Tables.Sessions, session, 5));
        Assert.Equal(7, (await account.EventRowsAsync()).Count);

        async Task<IEnumerable<string>> EventsAsync(TableClient table, string id, int number)
        {
            var row = await RowAsync(table, $"{account.Id}:{id}", $"event:{number:D12}");
            HasColumns(row, ("Data", typeof(byte[])), ("Expires", typeof(DateTimeOffset)));
            return JsonElement.Parse(row.GetBinary("Data")).EnumerateArray().Select(stored
                => string.Join(' ', stored.EnumerateObject().Where(field => field.Name != "at").Select(field => field.Value.GetString())));
        }
    }

    [Fact]
    public async Task A_join_event_names_the_changes_that_ended_earlier_memberships()
    {
        var account = await server.NewAccountAsync();
        var (first, second, third) = (await account.CreateSessionAsync(), await account.CreateSessionAsync(), await account.CreateSessionAsync());
        var participant = await account.CreateParticipantAsync();
        await account.JoinAsync(first, participant);
        await account.DeleteAsync($"/sessions/{first}/participants/{participant}");
        await account.JoinAsync(second, participant);
        await account.DeleteAsync($"/sessions/{second}");
        await account.JoinAsync(third, participant);

        Assert.Equal($"{first}:3", await AfterAsync(second));
        Assert.Equal($"{first}:3,{second}:{long.MaxValue}", await AfterAsync(third));

        async Task<string> AfterAsync(string session)
            => (await RowAsync(server.Tables.Sessions, $"{account.Id}:{session}", "event:000000000002")).GetString("After");
    }

    [Fact]
    public async Task Leaving_removes_the_member_and_clears_the_claim()
    {
        var account = await server.NewAccountAsync();
        var (session, participant) = await account.CreateMemberAsync();

        await account.DeleteAsync($"/sessions/{session}/participants/{participant}");

        Assert.DoesNotContain(await account.RowsAsync(), row => row.Contains("member:", StringComparison.Ordinal));
        Assert.Equal("", (await RowAsync(server.Tables.Participants, $"{account.Id}:{participant}", "participant")).GetString("SessionId"));
    }

    [Fact]
    public async Task Every_change_writes_a_new_WriteId()
    {
        var account = await server.NewAccountAsync();
        var (session, participant) = (await account.CreateSessionAsync(), await account.CreateParticipantAsync());
        var headers = new HashSet<string>();
        var participants = new HashSet<string>();
        await RememberAsync();
        await account.JoinAsync(session, participant);
        await RememberAsync();
        await account.DeleteAsync($"/sessions/{session}/participants/{participant}");
        await RememberAsync();

        Assert.Equal((3, 3), (headers.Count, participants.Count));

        async Task RememberAsync()
        {
            headers.Add((await RowAsync(server.Tables.Sessions, $"{account.Id}:{session}", "header")).GetString("WriteId"));
            participants.Add((await RowAsync(server.Tables.Participants, $"{account.Id}:{participant}", "participant")).GetString("WriteId"));
        }
    }

    [Fact]
    public async Task A_credential_is_stored_as_a_hash_and_its_access()
    {
        var account = await server.NewAccountAsync();

        var row = await RowAsync(server.Tables.Credentials, account.Id, "777269746572");

        HasColumns(row, ("Access", typeof(string)), ("Created", typeof(DateTimeOffset)), ("SecretHash", typeof(byte[])), ("WriteId", typeof(string)));
        Assert.Equal("Write", row.GetString("Access"));
        Assert.Equal("783ff63bc7b34c59d77a8bb0756ab9c8836a0f5b0b93e57932e2e130819193ed", Convert.ToHexStringLower(row.GetBinary("SecretHash")));
    }

    [Fact]
    public async Task A_rotated_credential_also_has_the_previous_hash_and_its_expiry()
    {
        var account = await server.NewAccountAsync();
        var now = server.Time.GetUtcNow();

        await server.Credentials.RotateAsync(AccountId.Parse(account.Id), Account.Writer, BasicCredentials.Hash("fresh"), TimeSpan.FromHours(1), CancellationToken.None);
        var row = await RowAsync(server.Tables.Credentials, account.Id, "777269746572");

        HasColumns(
            row,
            ("Access", typeof(string)), ("Created", typeof(DateTimeOffset)), ("PreviousExpires", typeof(DateTimeOffset)),
            ("PreviousSecretHash", typeof(byte[])), ("SecretHash", typeof(byte[])), ("WriteId", typeof(string)));
        Assert.Equal(BasicCredentials.Hash("fresh"), row.GetBinary("SecretHash"));
        Assert.Equal(BasicCredentials.Hash(Server.Secret), row.GetBinary("PreviousSecretHash"));
        Assert.InRange(row.GetDateTimeOffset("PreviousExpires")!.Value - now, TimeSpan.FromHours(1), TimeSpan.FromHours(1.1));
    }

    [Fact]
    public async Task A_feed_is_stored_as_one_row_of_its_account_and_one_in_the_list_of_all_feeds()
    {
        var account = await server.NewAccountAsync();
        await server.Service<Feeds>().TurnOnAsync(AccountId.Parse(account.Id), TestContext.Current.CancellationToken);

        HasColumns(await RowAsync(server.Tables.Credentials, account.Id, "feed"), ("Created", typeof(DateTimeOffset)));
        HasColumns(await RowAsync(server.Tables.Events, ":feeds", account.Id));
        var users = await server.Credentials.ListAsync(AccountId.Parse(account.Id), TestContext.Current.CancellationToken).ToListAsync(TestContext.Current.CancellationToken);
        Assert.Equal([Account.Writer], users.Select(user => user.Name));
    }

    [Fact]
    public async Task A_log_is_stored_as_a_head_entries_and_a_cursor_per_outbox()
    {
        var cancellation = TestContext.Current.CancellationToken;
        var account = await server.NewAccountAsync();
        var (session, participant) = await account.CreateMemberAsync();
        var accountId = AccountId.Parse(account.Id);
        await new PartitionLook(server.Tables, server.Service<EventLog>(), server.Service<SessionEnds>(), EventQueue.None, server.Time)
            .RunAsync(accountId, $"{account.Id}:{session}", cancellation);

        var head = await RowAsync(server.Tables.Events, account.Id, "head");
        var entry = await RowAsync(server.Tables.Events, account.Id, "log:000000000000003");
        var cursor = await RowAsync(server.Tables.Events, account.Id, $"at:{account.Id}:{session}");

        HasColumns(head, ("Position", typeof(long)));
        Assert.Equal(3, head.GetInt64("Position"));
        HasColumns(
            entry,
            ("Data", typeof(byte[])), ("Expires", typeof(DateTimeOffset)), ("Id", typeof(string)), ("Time", typeof(DateTimeOffset)), ("Type", typeof(string)));
        Assert.Equal(($"evt_{Guid.Parse(session):N}_2", "participant.joined"), (entry.GetString("Id"), entry.GetString("Type")));
        Assert.Equal(
            $$"""{"accountId":"{{account.Id}}","sessionId":"{{session}}","participantId":"{{participant}}"}""", entry.GetBinaryData("Data").ToString());
        HasColumns(
            cursor, ("Expires", typeof(DateTimeOffset)), ("Number", typeof(long)), ("Wakes", typeof(DateTimeOffset)), ("Within", typeof(long)));
        Assert.Equal((2, 0), (cursor.GetInt64("Number"), cursor.GetInt64("Within")));
        Assert.Equal(TimeSpan.FromDays(1), cursor.GetDateTimeOffset("Expires") - entry.GetDateTimeOffset("Expires"));
    }

    [Theory]
    [InlineData("-")]
    [InlineData("_")]
    [InlineData("0")]
    [InlineData("9900000")]
    [InlineData("Upper-Case_and-lower-case")]
    [InlineData("----____----")]
    [InlineData("1234567890123456789012345678901234567890123456789012345678901234")]
    public async Task An_unusual_but_valid_account_id_works(string accountId)
    {
        var account = await server.NewAccountAsync(accountId);
        var (session, participant) = await account.CreateMemberAsync();

        Assert.Equal(participant, (await account.GetAsync($"/sessions/{session}/participants")).Json[0].GetProperty("id").GetString());
        Assert.Equal(HttpStatusCode.NoContent, (await account.DeleteAsync($"/participants/{participant}")).Status);
        Assert.Equal(HttpStatusCode.NoContent, (await account.DeleteAsync($"/sessions/{session}")).Status);
        Assert.Empty(await account.RowsAsync());
    }

    [Fact]
    public async Task Account_ids_are_case_sensitive()
    {
        var (upper, lower) = (await server.NewAccountAsync("CASE"), await server.NewAccountAsync("case"));
        var session = await upper.CreateSessionAsync();

        Assert.Equal(HttpStatusCode.NotFound, (await lower.GetAsync($"/sessions/{session}")).Status);
    }

    private static async Task<TableEntity> RowAsync(TableClient table, string partitionKey, string rowKey)
        => await table.GetEntityAsync<TableEntity>(partitionKey, rowKey);

    private static void HasColumns(TableEntity row, params (string Name, Type Type)[] columns)
        => Assert.Equal(
            columns,
            row.Where(column => column.Key is not ("PartitionKey" or "RowKey" or "Timestamp" or "odata.etag"))
                .OrderBy(column => column.Key, StringComparer.Ordinal)
                .Select(column => (column.Key, column.Value.GetType())));
}
