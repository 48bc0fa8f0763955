using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using System.Text.Json;
using Azure.Data.Tables;
using Microsoft.Extensions.Configuration;
using Sessions.Cli;
using Sessions.Model;
using Sessions.Storage;
using Sessions.Tests.Infrastructure;
using Sessions.Tests.Webhooks;
using Sessions.Webhooks;

namespace Sessions.Tests;

/// <summary>The command line, over the tables of a running server.</summary>
public sealed class CliTests(Server server, AzuriteFixture azurite) : IClassFixture<Server>
{
    private const string Storage = "Sessions:StorageConnectionString";

    private static int _accounts;

    private readonly Account _account = new(server, $"cli-{Interlocked.Increment(ref _accounts)}");

    [Fact]
    public async Task An_added_user_can_use_the_account_with_the_printed_secret()
    {
        var secret = await SecretAsync("credentials", "add", _account.Id, "ann");

        Assert.Matches("^[A-Za-z0-9_-]{43}$", secret);
        Assert.Equal(HttpStatusCode.OK, await StatusAsync(HttpMethod.Post, "ann", secret));
    }

    [Fact]
    public async Task A_read_only_user_may_not_write()
    {
        var secret = await SecretAsync("credentials", "add", _account.Id, "ann", "--read-only");

        Assert.Equal(HttpStatusCode.Forbidden, await StatusAsync(HttpMethod.Post, "ann", secret));
    }

    [Fact]
    public async Task Adding_an_existing_user_fails_and_keeps_its_secret()
    {
        var secret = await SecretAsync("credentials", "add", _account.Id, "ann");

        var again = await RunAsync("credentials", "add", _account.Id, "ann", "--read-only");

        again.Fails($"ann already exists in account {_account.Id}. For a new secret, run sessions credentials rotate.");
        Assert.Equal(HttpStatusCode.OK, await StatusAsync(HttpMethod.Post, "ann", secret));
    }

    [Fact]
    public async Task Events_are_listed_after_the_feed_is_turned_on()
    {
        (await RunAsync("events", "list", _account.Id)).Fails("The feed of this account is off. To turn it on, run sessions events on.");

        Assert.Equal($"The feed of account {_account.Id} is on. All servers notice within a minute.", await DoneAsync("events", "on", _account.Id));
        Assert.Equal("There are no events yet.", await DoneAsync("events", "list", _account.Id));
        Assert.Equal($"Account {_account.Id} has no users.", await DoneAsync("credentials", "list", _account.Id));
        Assert.Equal($"The feed of account {_account.Id} is off. All servers notice within a minute.", await DoneAsync("events", "off", _account.Id));
        (await RunAsync("events", "off", _account.Id)).Fails($"The feed of account {_account.Id} is already off.");
    }

    [Fact]
    public async Task The_events_of_a_session_are_printed_as_lines_of_text_or_JSON()
    {
        var account = await server.NewAccountAsync();
        var session = await account.CreateSessionAsync("""{"tag":"standup"}""");
        var id = $"evt_{Guid.Parse(session):N}_1";

        var text = await DoneAsync("events", "list", account.Id, "--session", session);
        var json = JsonElement.Parse(await DoneAsync("events", "list", account.Id, "--session", session, "--output", "json"));

        Assert.Matches($@"^\d{{4}}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{{3}}Z  session\.created +session {session}  tag standup  {id}\nTo continue, use --after {id}\.$", text.ReplaceLineEndings("\n"));
        Assert.Equal((id, "standup"), (json.GetProperty("id").GetString(), json.GetProperty("data").GetProperty("tag").GetString()));
        (await RunAsync("events", "list", account.Id, "--session", session, "--after", "x")).Fails("--after: expected a cursor of this feed.");
        (await RunAsync("events", "list", account.Id, "--session", "x")).Fails("x is not a valid session id: expected a UUID.");
    }

    [Fact]
    public async Task An_event_is_one_line_with_its_device_whatever_its_tag_contains()
    {
        await DoneAsync("events", "on", _account.Id);
        var account = AccountId.Parse(_account.Id);
        var (now, participant) = (server.Time.GetUtcNow(), $"{Guid.NewGuid()}");
        var connected = new SessionsEvent(
            $"evt_{Guid.Parse(participant):N}_1", EventTypes.ParticipantConnected, now, new(_account.Id, null, participant, "a\nb\u001b[31m", null, "phone"));
        var cursor = new CursorRow(account, "outbox", 1, 0, now.AddDays(1), null);
        Assert.True(await server.Service<Sessions.Events.EventLog>().AppendAsync(new(cursor, [new(connected, 1, 0, true, now.AddDays(1))])));

        var text = await DoneAsync("events", "list", _account.Id);
        var data = JsonElement.Parse(await DoneAsync("events", "list", _account.Id, "--output", "json")).GetProperty("data");

        Assert.Matches($@"Z  participant\.connected     participant {participant}  device phone  tag a\uFFFDb\uFFFD\[31m  {connected.Id}\n", text.ReplaceLineEndings("\n"));
        Assert.Equal(("phone", "a\nb\u001b[31m"), (data.GetProperty("deviceId").GetString(), data.GetProperty("tag").GetString()));
    }

    [Fact]
    public async Task The_list_of_credentials_contains_every_user_and_no_hash()
    {
        await SecretAsync("credentials", "add", _account.Id, "ünïcödé ☎");
        await SecretAsync("credentials", "add", _account.Id, "ann", "--read-only");

        var text = await DoneAsync("credentials", "list", _account.Id);
        var json = JsonElement.Parse(await DoneAsync("credentials", "list", _account.Id, "--output", "json"));

        Assert.Matches(@"^ann +read   \d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ\nünïcödé ☎  write  \d{4}.*Z$", text.ReplaceLineEndings("\n"));
        Assert.Equal(["ann", "ünïcödé ☎"], json.EnumerateArray().Select(user => user.GetProperty("user").GetString()));
        Assert.Equal(["user", "access", "created"], json[0].EnumerateObject().Select(field => field.Name));
        Assert.Equal($"Account {_account.Id}-empty has no users.", await DoneAsync("credentials", "list", $"{_account.Id}-empty"));
    }

    [Fact]
    public async Task A_revoked_user_is_rejected_within_a_minute()
    {
        var secret = await SecretAsync("credentials", "add", _account.Id, "ann");
        await StatusAsync(HttpMethod.Post, "ann", secret);

        await DoneAsync("credentials", "revoke", _account.Id, "ann");
        server.Time.Advance(TimeSpan.FromSeconds(61));

        Assert.Equal(HttpStatusCode.Unauthorized, await StatusAsync(HttpMethod.Post, "ann", secret));
        (await RunAsync("credentials", "revoke", _account.Id, "ann")).Fails($"ann is not a user of account {_account.Id}. To list the users, run sessions credentials list.");
        (await RunAsync("credentials", "rotate", _account.Id, "ann")).Fails($"ann is not a user of account {_account.Id}. To list the users, run sessions credentials list.");
    }

    [Fact]
    public async Task A_rotated_secret_is_accepted_until_it_expires()
    {
        server.Time.Stop();
        var old = await SecretAsync("credentials", "add", _account.Id, "ann", "--read-only");
        var rotation = await RunAsync("credentials", "rotate", _account.Id, "ann", "--keep", "10m");
        var fresh = rotation.Output;
        Assert.Equal($"The previous secret is valid until {server.Time.GetUtcNow().AddMinutes(10):yyyy-MM-dd HH:mm:ss}Z.", rotation.Error);
        Assert.Equal(HttpStatusCode.NotFound, await StatusAsync(HttpMethod.Get, "ann", old));
        Assert.Equal(HttpStatusCode.NotFound, await StatusAsync(HttpMethod.Get, "ann", fresh));

        // The last look-up of the old secret is 30 seconds before the secret expires, and is not cached beyond that.
        server.Time.Advance(TimeSpan.FromSeconds(570));
        Assert.Equal(HttpStatusCode.NotFound, await StatusAsync(HttpMethod.Get, "ann", old));
        server.Time.Advance(TimeSpan.FromSeconds(31));

        Assert.Equal(HttpStatusCode.Unauthorized, await StatusAsync(HttpMethod.Get, "ann", old));
        Assert.Equal(HttpStatusCode.NotFound, await StatusAsync(HttpMethod.Get, "ann", fresh));
        Assert.Equal(HttpStatusCode.Forbidden, await StatusAsync(HttpMethod.Post, "ann", fresh));
    }

    [Fact]
    public async Task A_secret_that_was_rotated_twice_is_rejected()
    {
        var first = await SecretAsync("credentials", "add", _account.Id, "ann");
        var second = await SecretAsync("credentials", "rotate", _account.Id, "ann");
        var third = await SecretAsync("credentials", "rotate", _account.Id, "ann");

        Assert.Equal(HttpStatusCode.Unauthorized, await StatusAsync(HttpMethod.Post, "ann", first));
        Assert.Equal(HttpStatusCode.OK, await StatusAsync(HttpMethod.Post, "ann", second));
        Assert.Equal(HttpStatusCode.OK, await StatusAsync(HttpMethod.Post, "ann", third));
    }

    [Fact]
    public async Task A_secret_rotated_with_a_keep_period_of_0s_is_rejected_immediately()
    {
        var old = await SecretAsync("credentials", "add", _account.Id, "ann");
        await SecretAsync("credentials", "rotate", _account.Id, "ann", "--keep", "0s");

        Assert.Equal(HttpStatusCode.Unauthorized, await StatusAsync(HttpMethod.Post, "ann", old));
    }

    [Theory]
    [InlineData("")]
    [InlineData("/")]
    [InlineData("/v1")]
    public async Task A_check_of_a_working_server_succeeds_and_leaves_no_rows(string path)
    {
        var secret = await SecretAsync("credentials", "add", _account.Id, "ann");

        var text = await DoneAsync([("SESSIONS_SECRET", secret)], "check", $"{server.Url.GetLeftPart(UriPartial.Authority)}{path}", "--account", _account.Id, "--user", "ann");

        Assert.All(text.Split(Environment.NewLine), line => Assert.Matches(@"^ok +[0-9.]+ ms  \w", line));
        Assert.Empty(await _account.RowsAsync());
    }

    [Fact]
    public async Task A_check_performs_every_step_of_a_call()
    {
        var secret = await SecretAsync("credentials", "add", _account.Id, "ann");
        var requests = new ConcurrentQueue<string>();
        using var call = new Activity("call").Start();
        using var listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name == Telemetry.Name,
            Sample = (ref options) => options.Parent.TraceId == call.TraceId ? ActivitySamplingResult.AllData : ActivitySamplingResult.None,
            ActivityStopped = request =>
            {
                if (request.TraceId == call.TraceId && request.Kind == ActivityKind.Internal)
                    requests.Enqueue($"{request.OperationName} {request.GetTagItem("http.response.status_code")}");
            },
        };
        ActivitySource.AddActivityListener(listener);

        var json = JsonElement.Parse(await DoneAsync(
            "check", server.Url.ToString(), "--account", _account.Id, "--user", "ann", "--secret", secret, "--output", "json"));

        Assert.True(json.GetProperty("ok").GetBoolean());
        Assert.All(json.GetProperty("steps").EnumerateArray(), step => Assert.True(step.GetProperty("ok").GetBoolean()));
        Assert.Equal(
            [
                "create a session", "create a participant", "create another participant", "add the first participant", "add the second participant", "update subscriptions",
                "get subscriptions", "list participants", "remove the second participant", "list the remaining participant", "delete the session",
                "the session no longer exists", "read the events of the session", "delete the participants", "the participants no longer exist",
            ],
            json.GetProperty("steps").EnumerateArray().Select(step => step.GetProperty("step").GetString()));
        Assert.Equal(
            [
                "CreateSession 200", "CreateParticipant 200", "CreateParticipant 200", "AddParticipantToSession 204", "AddParticipantToSession 204",
                "UpdateParticipantSubscriptions 204", "GetParticipantSubscriptions 200", "ListSessionParticipants 200",
                "RemoveParticipantFromSession 204", "ListSessionParticipants 200", "DeleteSession 204", "GetSession 404", "ListSessionEvents 200",
                "DeleteParticipant 204", "DeleteParticipant 204", "GetParticipant 404", "GetParticipant 404",
            ],
            requests);
    }

    [Theory]
    [InlineData(202, 0, "")]
    [InlineData(500, 1, "send a test event to webhook")]
    public async Task A_check_of_webhooks_sends_a_test_event_to_each(int status, int exitCode, string error)
    {
        var secret = await SecretAsync("credentials", "add", _account.Id, "ann");
        await using var receiver = await Receiver.StartAsync(_ => status);
        var webhook = await new WebhookStore(server.Tables, TimeProvider.System).AddAsync(
            AccountId.Parse(_account.Id), receiver.Url, [], position: 0, CancellationToken.None);

        var run = await RunAsync("check", server.Url.ToString(), "--account", _account.Id, "--user", "ann", "--secret", secret, "--webhooks");

        Assert.Equal(exitCode, run.ExitCode);
        Assert.StartsWith(error, run.Error, StringComparison.Ordinal);
        Assert.Matches($@"(ok|FAILED) .*send a test event to webhook {webhook.Id}$", run.Output);
        Assert.Equal("webhook.test", Assert.Single(receiver.All).Type);
    }

    [Fact]
    public async Task A_check_with_a_read_only_credential_fails_at_the_first_step()
    {
        var secret = await SecretAsync("credentials", "add", _account.Id, "ann", "--read-only");

        var run = await RunAsync("check", server.Url.ToString(), "--account", _account.Id, "--user", "ann", "--secret", secret, "--output", "json");

        Assert.Equal(1, run.ExitCode);
        Assert.Matches(
            @"^create a session: POST /sessions: expected 200, got 403 \(The credentials are read-only\. Request [0-9a-f]{32}\)$", run.Error);
        var json = JsonElement.Parse(run.Output);
        Assert.False(json.GetProperty("ok").GetBoolean());
        Assert.Equal(run.Error, json.GetProperty("failure").GetString());
        Assert.Equal(1, json.GetProperty("steps").GetArrayLength());
    }

    [Fact]
    public async Task A_check_that_fails_midway_deletes_the_resources_it_created()
    {
        var secret = await SecretAsync("credentials", "add", _account.Id, "ann");
        await using var proxy = await LosingProxy.StartAsync(server.Url);

        var run = await RunAsync("check", proxy.Url, "--account", _account.Id, "--user", "ann", "--secret", secret);

        Assert.Equal(1, run.ExitCode);
        Assert.Matches(@"^update subscriptions: PUT /sessions/\S+: expected 204, got 502$", run.Error);
        Assert.Equal(6, run.Output.Split(Environment.NewLine).Length);
        Assert.Empty(await _account.RowsAsync());
    }

    [Fact]
    public async Task A_check_of_an_unreachable_server_reports_that_it_cannot_be_reached()
    {
        var run = await RunAsync("check", "http://127.0.0.1:1", "--account", "a", "--user", "u", "--secret", "s");

        run.Fails("create a session: expected a response, but the server cannot be reached: Connection refused");
    }

    [Fact]
    public async Task A_purge_deletes_only_resources_that_expired_at_least_an_hour_ago()
    {
        await using var own = new Server(azurite);
        await own.InitializeAsync();
        var account = await own.NewAccountAsync();
        for (var call = 0; call < 3; call++)
            await account.CreateMemberAsync();
        own.Time.Advance(TimeSpan.FromMinutes(30));
        var (session, participant) = await account.CreateMemberAsync();
        await own.Tables.Sessions.AddEntityAsync(new TableEntity(":expiries", "row") { ["Expires"] = DateTimeOffset.UnixEpoch });

        own.Time.Advance(TimeSpan.FromHours(10) - TimeSpan.FromMinutes(31));
        Assert.Equal("Deleted 0 rows of sessions and 0 rows of participants.", (await RunAsync(own, "purge")).Output);
        own.Time.Advance(TimeSpan.FromMinutes(2));
        var json = JsonElement.Parse((await RunAsync(own, "purge", "--output", "json")).Output);
        var again = await RunAsync(own, "purge");

        Assert.Equal((6, 3), (json.GetProperty("sessions").GetInt32(), json.GetProperty("participants").GetInt32()));
        Assert.Equal("Deleted 0 rows of sessions and 0 rows of participants.", again.Output);
        var rows = await account.RowsAsync();
        Assert.Equal(3, rows.Count);
        Assert.All(rows, row => Assert.True(row.Contains(session, StringComparison.Ordinal) || row.Contains(participant, StringComparison.Ordinal)));
        Assert.True((await own.Tables.Sessions.GetEntityIfExistsAsync<TableEntity>(":expiries", "row")).HasValue);
    }

    [Fact]
    public async Task A_purge_reads_every_page_and_keeps_partitions_with_an_unexpired_row()
    {
        const int Partitions = 12, RowsOfEach = 100;
        await using var own = new Server(azurite);
        await own.InitializeAsync();
        var ended = own.Time.GetUtcNow() - TimeSpan.FromHours(2);
        for (var partition = 0; partition < Partitions; partition++)
        {
            await own.Tables.Sessions.SubmitTransactionAsync(Enumerable.Range(0, RowsOfEach).Select(row => new TableTransactionAction(
                TableTransactionActionType.Add, new TableEntity($"a:{partition:D2}", $"{row}") { ["Expires"] = ended })));
        }

        await own.Tables.Sessions.AddEntityAsync(new TableEntity("a:05-alive", "member") { ["Expires"] = ended });
        await own.Tables.Sessions.AddEntityAsync(new TableEntity("a:05-alive", "session") { ["Expires"] = ended + TimeSpan.FromDays(1) });

        Assert.Equal("Deleted 1200 rows of sessions and 0 rows of participants.", (await RunAsync(own, "purge")).Output);

        var left = await own.Tables.Sessions.QueryAsync<TableEntity>().Select(row => $"{row.PartitionKey} {row.RowKey}").ToListAsync();
        Assert.Equal(["a:05-alive member", "a:05-alive session"], left);
    }

    [Theory]
    [InlineData("a.b is not a valid account id: expected 1 to 64 letters, digits, - and _.", "credentials", "list", "a.b")]
    [InlineData("This is not a valid user name: expected 1 to 256 bytes without a colon or a control character.", "credentials", "add", "a", "a:b")]
    [InlineData("a.b is not a valid account id: expected 1 to 64 letters, digits, - and _.", "check", "http://localhost", "--account", "a.b", "--user", "u", "--secret", "s")]
    public async Task An_invalid_argument_is_reported_in_one_line(string line, params string[] args)
        => (await RunAsync(args)).Fails(line);

    [Theory]
    [InlineData("Required command was not provided.\nRun `sessions credentials --help` for usage.", "credentials")]
    [InlineData("--keep: expected a time of 0s to 30d, for example 1h, PT1H, or 01:00:00 (d.hh:mm:ss, at most 23 hours).\nRun `sessions credentials rotate --help` for usage.", "credentials", "rotate", "a", "u", "--keep", "31.00:00:00")]
    [InlineData("--keep: expected a time of 0s to 30d, for example 1h, PT1H, or 01:00:00 (d.hh:mm:ss, at most 23 hours).\nRun `sessions credentials rotate --help` for usage.", "credentials", "rotate", "a", "u", "--keep", "24:00:00")]
    [InlineData("ACCOUNT: missing.\nUSER: missing.\nRun `sessions credentials add --help` for usage.", "credentials", "add")]
    [InlineData("--secret: missing. Give it, or set SESSIONS_SECRET.\nRun `sessions check --help` for usage.", "check", "http://localhost", "--account", "a", "--user", "u")]
    [InlineData("URL: expected an http or https URL, for example https://HOST.\nRun `sessions check --help` for usage.", "check", "localhost", "--account", "a", "--user", "u", "--secret", "s")]
    public async Task A_usage_error_is_reported_with_exit_code_2(string lines, params string[] args)
    {
        var run = await RunAsync(args);

        Assert.Equal((2, "", lines), (run.ExitCode, run.Output, run.Error.ReplaceLineEndings("\n")));
    }

    [Fact]
    public async Task A_missing_storage_setting_is_reported()
        => (await RunAsync(TimeProvider.System, [], "purge")).Fails(
            "Sessions__StorageConnectionString or Sessions__StorageTableEndpoint: neither is set. Set one.");

    [Fact]
    public async Task Unreachable_storage_is_reported_in_one_line()
    {
        var nowhere = server.ConnectionString.Replace(new Uri(Endpoint).Port.ToString(System.Globalization.CultureInfo.InvariantCulture), "1", StringComparison.Ordinal);

        var runs = await Task.WhenAll("add revoke rotate".Split(' ').Select(
            command => RunAsync(TimeProvider.System, [(Storage, nowhere)], "credentials", command, "a", "u")));

        foreach (var run in runs)
        {
            Assert.Equal((1, ""), (run.ExitCode, run.Output));
            Assert.Matches(@"^http://127\.0\.0\.1:1 cannot be reached \(Connection refused.*\): check the storage setting and the network\.$", run.Error);
        }
    }

    [Fact]
    public async Task Missing_tables_are_reported_in_one_line()
    {
        foreach (var command in new string[][] { ["credentials", "list", "a"], ["credentials", "add", "a", "u"], ["credentials", "revoke", "a", "u"], ["credentials", "rotate", "a", "u"], ["purge"] })
        {
            (await RunAsync(TimeProvider.System, [(Storage, Empty.Value)], command)).Fails(
                $"{new Uri(Endpoint).GetLeftPart(UriPartial.Authority)} has no such table or queue: set the storage that the app uses, or create them with sessions init.");
        }
    }

    [Fact]
    public async Task Init_creates_the_tables_the_queues_and_a_first_credential()
    {
        var storage = azurite.NextConnectionString();

        var made = await RunAsync(TimeProvider.System, [(Storage, storage)], "init", "a", "ann");
        var again = await RunAsync(TimeProvider.System, [(Storage, storage)], "init", "a", "ann");

        Assert.Equal((0, ""), (made.ExitCode, made.Error));
        Assert.Matches("^[A-Za-z0-9_-]{43}$", made.Output);
        again.Fails("The tables and queues exist. ann already exists in account a. For a new secret, run sessions credentials rotate.");
        Assert.StartsWith("ann  write", (await RunAsync(TimeProvider.System, [(Storage, storage)], "credentials", "list", "a")).Output, StringComparison.Ordinal);
        Assert.Equal(
            ["credentials", "events", "participants", "sessions"],
            await new TableServiceClient(storage).QueryAsync().Select(table => table.Name).Order().ToArrayAsync());
        Assert.Equal(
            ["sessions-events", "sessions-events-poison", "sessions-webhooks", "sessions-webhooks-poison"],
            await new Azure.Storage.Queues.QueueServiceClient(storage).GetQueuesAsync().Select(queue => queue.Name).ToArrayAsync());
    }

    [Fact]
    public void A_queue_that_denies_access_is_reported_with_the_role_for_queues()
        => Assert.Equal(
            "https://a.queue.core.windows.net refused the request (403): ask for the role Storage Queue Data Contributor on it and for access from your network, or correct the key in Sessions__StorageConnectionString.",
            StorageMistakes.Explain(new Azure.RequestFailedException(403, "no"), new("https://a.queue.core.windows.net"), StorageMistakes.QueueRole));

    [Fact]
    public async Task A_purge_queues_a_message_for_an_expired_session_if_the_feed_is_on()
    {
        await using var own = new Server(azurite);
        await own.InitializeAsync();
        var account = await own.NewAccountAsync();
        Assert.Equal(0, (await RunAsync(own, "init", account.Id, "ann")).ExitCode);
        Assert.Equal(0, (await RunAsync(own, "events", "on", account.Id)).ExitCode);
        var session = await account.CreateSessionAsync();
        await own.Service<Sessions.Storage.Queues>().Events.ClearMessagesAsync();

        own.Time.Advance(TimeSpan.FromHours(11));
        var wrong = await RunAsync(own.Time, [(Storage, own.ConnectionString), ("Sessions:EventRetention", "24:00:00")], "purge");
        var purge = await RunAsync(own, "purge");

        Assert.StartsWith("Sessions__EventRetention: expected a time", wrong.Error, StringComparison.Ordinal);
        Assert.Equal((0, ""), (purge.ExitCode, purge.Error));
        var message = Assert.Single((await own.Service<Sessions.Storage.Queues>().Events.ReceiveMessagesAsync(maxMessages: 16)).Value);
        Assert.Contains(session, message.Body.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Storage_that_denies_access_is_reported_in_one_line()
    {
        var wrongKey = string.Join(';', server.ConnectionString.Split(';').Select(
            part => part.StartsWith("AccountKey=", StringComparison.Ordinal) ? "AccountKey=d3Jvbmc=" : part));

        foreach (var command in new string[][] { ["credentials", "list", "a"], ["credentials", "add", "a", "u"], ["purge"] })
        {
            var run = await RunAsync(TimeProvider.System, [(Storage, wrongKey)], command);

            Assert.Equal((1, ""), (run.ExitCode, run.Output));
            Assert.Matches(@"^http://127\.0\.0\.1:\d+ refused the request \(\w+\): ask for the role Storage Table Data Contributor on it and for access from your network, or correct the key in Sessions__StorageConnectionString\.$", run.Error);
        }
    }

    [Fact]
    public async Task The_help_contains_an_example_and_the_exit_codes()
    {
        var help = await DoneAsync("--help");

        Assert.Contains("sessions credentials add 9900000 ann", help, StringComparison.Ordinal);
        Assert.Contains("Exit codes: 0 succeeded, 1 failed or refused, 2 wrong arguments.", help, StringComparison.Ordinal);
        Assert.Equal(help, await DoneAsync());
    }

    [Fact]
    public async Task The_printed_version_is_the_version_of_the_build()
        => Assert.StartsWith(
            $"{System.Xml.Linq.XDocument.Load(Path.Combine(Bicep.RepositoryFolder, "Directory.Build.props")).Descendants("Version").Single().Value}+",
            await DoneAsync("--version"),
            StringComparison.Ordinal);

    private Lazy<string> Empty { get; } = new(azurite.NextConnectionString);

    private string Endpoint => server.ConnectionString.Split("TableEndpoint=")[1].TrimEnd(';');

    private async Task<HttpStatusCode> StatusAsync(HttpMethod method, string user, string secret)
        => (await _account.SendAsync(method, method == HttpMethod.Get ? $"/sessions/{Guid.Empty}" : "/sessions", authorization: Account.Basic(user, secret))).Status;

    private Task<string> SecretAsync(params string[] args) => DoneAsync(args);

    private Task<string> DoneAsync(params string[] args) => DoneAsync([], args);

    private async Task<string> DoneAsync((string, string)[] settings, params string[] args)
    {
        var run = await RunAsync(server.Time, [(Storage, server.ConnectionString), .. settings], args);
        Assert.Equal(0, run.ExitCode);
        Assert.Matches("^(The previous secret is valid until .*)?$", run.Error);
        return run.Output;
    }

    private Task<Run> RunAsync(params string[] args) => RunAsync(server, args);

    private static Task<Run> RunAsync(Server server, params string[] args) => RunAsync(server.Time, [(Storage, server.ConnectionString)], args);

    private static async Task<Run> RunAsync(TimeProvider time, (string Name, string Value)[] settings, params string[] args)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        var configuration = new ConfigurationBuilder()
            .AddInMemoryCollection(settings.Select(setting => KeyValuePair.Create(setting.Name, (string?)setting.Value))).Build();
        var exitCode = await CliProgram.RunAsync(args, output, error, configuration, time);
        return new(exitCode, output.ToString().TrimEnd(), error.ToString().TrimEnd());
    }

    private sealed record Run(int ExitCode, string Output, string Error)
    {
        /// <summary>The command failed with this one line. Earlier output is ignored.</summary>
        public void Fails(string line) => Assert.Equal((1, line), (ExitCode, Error));
    }
}
