using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Microsoft.AspNetCore.Http;
using Sessions.Model;
using Sessions.Webhooks;

namespace Sessions.Tests.Webhooks;

/// <summary>The messages that receivers get, however they respond, and the rows that remain.</summary>
public sealed class DeliveryTests(AzuriteFixture azurite)
{
    private static readonly CancellationToken None = CancellationToken.None;

    [Fact]
    public async Task Events_are_delivered_in_order_and_only_the_cursor_row_remains()
    {
        using var bench = await WebhookBench.StartAsync(azurite);
        await using var receiver = await Receiver.StartAsync();
        var webhook = await bench.AddAsync(receiver);
        var (session, participant) = (Guid.NewGuid(), Guid.NewGuid());
        var ids = await bench.AppendAsync(
            (EventTypes.SessionCreated, session, null), (EventTypes.ParticipantCreated, null, participant),
            (EventTypes.ParticipantJoined, session, participant), (EventTypes.ParticipantLeft, session, participant),
            (EventTypes.SessionDeleted, session, null));

        await bench.DeliverAsync();

        Assert.Equal(ids.Order(), receiver.Ids.Order());
        Assert.Equal(["session.created", "participant.joined", "participant.left", "session.deleted"], Types(receiver, session));
        Assert.Equal(
            ["participant.created", "participant.joined", "participant.left"],
            receiver.All.Where(received => received.ParticipantId == participant.ToString()).Select(received => received.Type));
        await bench.IsDoneAsync(webhook);
        Assert.Empty(bench.Delays);
    }

    [Fact]
    public async Task A_message_contains_the_event_as_JSON_and_the_time_of_sending()
    {
        using var bench = await WebhookBench.StartAsync(azurite);
        await using var receiver = await Receiver.StartAsync();
        await bench.AddAsync(new Uri(receiver.Url, "/hook?key=1"));
        var (session, participant) = (Guid.NewGuid(), Guid.NewGuid());
        var ids = await bench.AppendAsync((EventTypes.ParticipantJoined, session, participant));

        await bench.DeliverAsync();

        var received = Assert.Single(receiver.All);
        Assert.Equal(
            $$$"""{"type":"participant.joined","timestamp":"2026-03-01T12:00:00Z","data":{"accountId":"9900000","sessionId":"{{{session}}}","participantId":"{{{participant}}}"}}""",
            received.Body);
        Assert.Equal(("/hook?key=1", "application/json", ids[0], "1772366400"), (received.Path, received.ContentType, received.Id, received.Timestamp));
        Assert.Matches("^v1,[A-Za-z0-9+/]{43}=$", received.Signature);
    }

    [Fact]
    public async Task A_failed_event_is_stored_in_a_row_and_resent_with_the_same_id()
    {
        using var bench = await WebhookBench.StartAsync(azurite);
        await using var receiver = await Receiver.StartAsync(_ => 500);
        var webhook = await bench.AddAsync(receiver);
        var id = await bench.AppendAsync(Guid.NewGuid());

        await bench.DeliverAsync();

        var rows = await bench.RowsAsync(webhook);
        Assert.Equal(["cursor", "held:000000000000001"], rows.Keys.Order());
        var (cursor, held) = (rows["cursor"], rows["held:000000000000001"]);
        Assert.Equal((1L, "", bench.Time.GetUtcNow()), (cursor.GetInt64("Position"), cursor.GetString("Holder"), held.GetDateTimeOffset("Since")));
        Assert.Equal((id, "session.created", 1, "500"), (held.GetString("Id"), held.GetString("Type"), held.GetInt32("Attempts"), held.GetString("Reason")));
        Assert.InRange((held.GetDateTimeOffset("Next") - bench.Time.GetUtcNow())!.Value.TotalSeconds, 5, 5.5);
        Assert.Equal(cursor.GetDateTimeOffset("Wake"), held.GetDateTimeOffset("Next"));
        Assert.Equal([TimeSpan.FromSeconds(6)], bench.Delays);

        await bench.RunDueAsync();
        Assert.Single(receiver.All);

        receiver.Respond = (_, _) => Task.CompletedTask;
        await bench.RunNextAsync();

        Assert.Equal([id, id], receiver.Ids);
        Assert.Equal(receiver.All[0].Body, receiver.All[1].Body);
        Assert.NotEqual(receiver.All[0].Signature, receiver.All[1].Signature);
        await bench.IsDoneAsync(webhook);
        Assert.Empty(bench.Delays);
    }

    [Fact]
    public async Task An_event_fails_after_three_days_of_attempts_and_can_be_resent()
    {
        using var bench = await WebhookBench.StartAsync(azurite);
        await using var receiver = await Receiver.StartAsync(_ => 500);
        var webhook = await bench.AddAsync(receiver);
        var session = Guid.NewGuid();
        var id = await bench.AppendAsync(session);
        var begin = bench.Time.GetUtcNow();

        List<double> hours = [];
        await bench.DeliverAsync();
        while (bench.Delays.Count > 0)
            hours.Add((await bench.RunNextAsync() - begin).TotalHours);

        Assert.InRange(hours.Count, 38, 42);
        Assert.InRange(hours[^1], 69.7, 72);
        Assert.All(hours.Skip(7).Zip(hours.Skip(6)), pair => Assert.InRange(pair.First - pair.Second, 2, 2.21));
        Assert.Equal([id], receiver.Ids.Distinct());
        var rows = await bench.RowsAsync(webhook);
        Assert.Equal(["cursor", "failed:000000000000001"], rows.Keys.Order());
        Assert.Equal(hours.Count + 1, rows["failed:000000000000001"].GetInt32("Attempts"));
        var failed = Assert.Single(await bench.Failed.ListAsync(WebhookBench.Account, webhook.Id, None).ToListAsync());
        Assert.Equal((id, "500"), (failed.Event.Id, failed.Reason));
        Assert.Contains(bench.Lines, line => line.StartsWith("Warning", StringComparison.Ordinal) && line.Contains($"{id} was given up", StringComparison.Ordinal));

        // Later events of the session continue.
        receiver.Respond = (_, _) => Task.CompletedTask;
        var later = await bench.AppendAsync(session);
        await bench.DeliverAsync();
        Assert.Equal(later, receiver.All[^1].Id);

        Assert.True(await bench.Failed.ResendAsync(WebhookBench.Account, webhook.Id, failed, None));
        Assert.False(await bench.Failed.ResendAsync(WebhookBench.Account, webhook.Id, failed, None));
        await bench.Failed.WakeAsync(WebhookBench.Account, webhook.Id, None);
        await bench.RunDueAsync();

        Assert.Equal(id, receiver.All[^1].Id);
        await bench.IsDoneAsync(webhook);
    }

    [Fact]
    public async Task Failed_events_are_not_listed_after_seven_days_and_deleted_when_the_next_one_fails()
    {
        using var bench = await WebhookBench.StartAsync(azurite);
        await using var receiver = await Receiver.StartAsync((http, _) =>
        {
            http.Response.StatusCode = 429;
            http.Response.Headers.RetryAfter = "300000";
            return Task.CompletedTask;
        });
        var webhook = await bench.AddAsync(receiver);
        await bench.AppendAsync(Guid.NewGuid());
        await bench.DeliverAsync();
        Assert.Contains("failed:000000000000001", (await bench.RowsAsync(webhook)).Keys);

        bench.Time.Advance(TimeSpan.FromDays(7));
        Assert.Empty(await bench.Failed.ListAsync(WebhookBench.Account, webhook.Id, None).ToListAsync());
        await bench.AppendAsync(Guid.NewGuid());
        await bench.DeliverAsync();

        Assert.Equal(["cursor", "failed:000000000000002"], (await bench.RowsAsync(webhook)).Keys.Order());
    }

    [Fact]
    public async Task Events_that_waited_behind_a_failed_event_do_not_get_three_days_of_attempts_of_their_own()
    {
        var session = Guid.NewGuid();
        using var bench = await WebhookBench.StartAsync(azurite);
        await using var receiver = await Receiver.StartAsync(_ => 500);
        var webhook = await bench.AddAsync(receiver);
        var ids = new[] { await bench.AppendAsync(session), await bench.AppendAsync(session), await bench.AppendAsync(session) };
        var begin = bench.Time.GetUtcNow();

        await bench.DeliverAsync();
        while (bench.Delays.Count > 0)
            await bench.RunNextAsync();

        Assert.InRange((bench.Time.GetUtcNow() - begin).TotalHours, 69.7, 74.3);
        Assert.Equal(["cursor", "failed:000000000000001", "failed:000000000000002", "failed:000000000000003"], (await bench.RowsAsync(webhook)).Keys.Order());
        Assert.Equal(ids, receiver.Ids.Distinct());
    }

    [Fact]
    public async Task A_failing_event_blocks_only_later_events_of_its_session_and_participant()
    {
        var (sick, well, mover) = (Guid.NewGuid(), Guid.NewGuid(), Guid.NewGuid());
        using var bench = await WebhookBench.StartAsync(azurite);
        await using var receiver = await Receiver.StartAsync(received => received.SessionId == sick.ToString() ? 500 : 200);
        var webhook = await bench.AddAsync(receiver);
        var ids = await bench.AppendAsync(
            (EventTypes.SessionCreated, sick, null), (EventTypes.SessionCreated, well, null), (EventTypes.ParticipantCreated, null, mover),
            (EventTypes.ParticipantJoined, sick, mover), (EventTypes.ParticipantLeft, sick, mover),
            (EventTypes.ParticipantJoined, well, mover), (EventTypes.SessionCreated, Guid.NewGuid(), null));

        await bench.DeliverAsync();

        // The join to the other session waits for the participant, and the later events of that session wait for the join.
        Assert.Equal([ids[0], ids[1], ids[2], ids[6]], receiver.Ids.Order(Comparer<string>.Create((one, other) => Array.IndexOf(ids, one) - Array.IndexOf(ids, other))));
        var rows = await bench.RowsAsync(webhook);
        Assert.Equal(["cursor", Held(1), Held(4), Held(5), Held(6)], rows.Keys.Order());
        Assert.Equal(7, rows["cursor"].GetInt64("Position"));
        Assert.Equal([1, 0, 0, 0], rows.Where(row => row.Key != "cursor").OrderBy(row => row.Key, StringComparer.Ordinal).Select(row => row.Value.GetInt32("Attempts")!.Value));

        var behind = await bench.AppendAsync((EventTypes.ParticipantLeft, well, mover));
        receiver.Respond = (_, _) => Task.CompletedTask;
        await bench.DeliverAsync();
        Assert.Equal(4, receiver.All.Count);
        await bench.RunNextAsync();

        Assert.Equal([ids[0], ids[3], ids[4], ids[5], behind[0]], receiver.Ids.Skip(4));
        await bench.IsDoneAsync(webhook);
    }

    [Fact]
    public async Task A_hanging_delivery_blocks_neither_other_sessions_nor_other_webhooks()
    {
        var (hanging, other) = (Guid.NewGuid(), Guid.NewGuid());
        using var bench = await WebhookBench.StartAsync(azurite);
        await using var receiver = await Receiver.StartAsync((http, received)
            => received.SessionId == hanging.ToString() ? Task.Delay(Timeout.Infinite, http.RequestAborted) : Task.CompletedTask);
        await using var neighbour = await Receiver.StartAsync();
        var webhook = await bench.AddAsync(receiver);
        await bench.AddAsync(neighbour);
        await bench.AppendAsync((EventTypes.SessionCreated, hanging, null), (EventTypes.SessionCreated, other, null));

        var run = bench.DeliverAsync();
        await receiver.ArrivedAsync(2);
        await neighbour.ArrivedAsync(2);

        // A new event is sent while an attempt for another one hangs.
        var fresh = await bench.AppendAsync(other);
        await bench.Delivery.WakeAsync(WebhookBench.Account, None);
        await receiver.ArrivedAsync();
        Assert.Equal(fresh, receiver.All[^1].Id);
        await bench.RunDueAsync();
        await neighbour.ArrivedAsync();
        Assert.False(run.IsCompleted);

        bench.Time.Advance(WebhookClient.TryTimeout);
        await run;

        var held = (await bench.RowsAsync(webhook))[Held(1)];
        Assert.Equal((1, "no response within 15 s"), (held.GetInt32("Attempts"), held.GetString("Reason")));
        Assert.Equal((3, 3), (receiver.All.Count, neighbour.All.Count));
    }

    [Fact]
    public async Task Events_appended_by_another_server_during_a_hanging_attempt_are_sent_within_a_second()
    {
        var hanging = Guid.NewGuid();
        using var bench = await WebhookBench.StartAsync(azurite);
        await using var receiver = await Receiver.StartAsync((http, received)
            => received.SessionId == hanging.ToString() ? Task.Delay(Timeout.Infinite, http.RequestAborted) : Task.CompletedTask);
        await bench.AddAsync(receiver);
        await bench.AppendAsync(hanging);
        var run = bench.DeliverAsync();
        await receiver.ArrivedAsync();

        await bench.AppendAsync(Guid.NewGuid());
        bench.Time.Advance(TimeSpan.FromSeconds(1));
        await receiver.ArrivedAsync();

        bench.Time.Advance(WebhookClient.TryTimeout);
        await run;
    }

    [Fact]
    public async Task A_receiver_that_returns_410_ends_its_webhook_and_gets_no_more_events()
    {
        var session = Guid.NewGuid();
        using var bench = await WebhookBench.StartAsync(azurite);
        await using var receiver = await Receiver.StartAsync(_ => 410);
        var webhook = await bench.AddAsync(receiver);
        await bench.AppendAsync(session);
        await bench.AppendAsync(session);

        await bench.DeliverAsync();
        await bench.AppendAsync(session);
        await bench.DeliverAsync();
        await bench.Delivery.RunAsync(WebhookBench.Account, webhook.Id, None);

        Assert.Single(receiver.All);
        Assert.Empty(bench.Delays);
        var stored = (await bench.Store.FindAsync(WebhookBench.Account, webhook.Id, None))!;
        Assert.Equal((bench.Time.GetUtcNow(), "the receiver returned 410"), stored.Ended);
        Assert.Equal("", (await bench.RowsAsync(webhook))["cursor"].GetString("Holder"));
        Assert.Contains(bench.Lines, line => line.Contains("ended because its receiver returned 410", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(429, "90", 90)]
    [InlineData(503, "90", 90)]
    [InlineData(429, "Sun, 01 Mar 2026 12:10:00 GMT", 600)]
    [InlineData(429, "2", 5)]
    [InlineData(429, "Sun, 01 Mar 2020 12:10:00 GMT", 5)]
    [InlineData(429, "soon", 5)]
    [InlineData(429, "-1", 5)]
    [InlineData(500, "90", 5)]
    public async Task A_Retry_After_header_delays_the_next_attempt(int status, string retryAfter, int seconds)
    {
        using var bench = await WebhookBench.StartAsync(azurite);
        await using var receiver = await Receiver.StartAsync((http, _) =>
        {
            http.Response.StatusCode = status;
            http.Response.Headers.RetryAfter = retryAfter;
            return Task.CompletedTask;
        });
        var webhook = await bench.AddAsync(receiver);
        await bench.AppendAsync(Guid.NewGuid());
        await bench.DeliverAsync();

        var held = (await bench.RowsAsync(webhook))[Held(1)];
        Assert.Equal((1, $"{status}"), (held.GetInt32("Attempts"), held.GetString("Reason")));
        Assert.InRange((held.GetDateTimeOffset("Next") - bench.Time.GetUtcNow())!.Value.TotalSeconds, seconds, seconds * 1.1);

        receiver.Respond = (_, _) => Task.CompletedTask;
        while (bench.Delays.Count > 0)
            await bench.RunNextAsync();
        Assert.Equal(2, receiver.All.Count);
        await bench.IsDoneAsync(webhook);
    }

    [Fact]
    public async Task No_other_event_is_sent_to_a_receiver_during_its_Retry_After_pause()
    {
        using var bench = await WebhookBench.StartAsync(azurite);
        await using var receiver = await Receiver.StartAsync((http, _) =>
        {
            http.Response.StatusCode = 429;
            http.Response.Headers.RetryAfter = "60";
            return Task.CompletedTask;
        });
        var webhook = await bench.AddAsync(receiver);
        await bench.AppendAsync(Guid.NewGuid());
        await bench.DeliverAsync();
        receiver.Respond = (_, _) => Task.CompletedTask;

        await bench.AppendAsync(Guid.NewGuid());
        bench.Time.Advance(TimeSpan.FromSeconds(50));
        await bench.DeliverAsync();
        Assert.Single(receiver.All);
        Assert.Single(bench.Delays);

        bench.Time.Advance(TimeSpan.FromSeconds(10));
        await bench.RunDueAsync();
        Assert.Equal(3, receiver.All.Count);
        await bench.IsDoneAsync(webhook);
    }

    [Theory]
    [InlineData(301)]
    [InlineData(302)]
    [InlineData(303)]
    [InlineData(307)]
    [InlineData(308)]
    public async Task A_redirect_is_a_failure_and_is_not_followed(int status)
    {
        using var bench = await WebhookBench.StartAsync(azurite);
        await using var target = await Receiver.StartAsync();
        await using var receiver = await Receiver.StartAsync((http, _) =>
        {
            http.Response.StatusCode = status;
            http.Response.Headers.Location = target.Url.AbsoluteUri;
            return Task.CompletedTask;
        });
        var webhook = await bench.AddAsync(receiver);
        await bench.AppendAsync(Guid.NewGuid());

        await bench.DeliverAsync();

        Assert.Equal($"{status}, and redirects are not followed", (await bench.RowsAsync(webhook))[Held(1)].GetString("Reason"));
        Assert.Equal((1, 0), (receiver.All.Count, target.All.Count));
    }

    [Theory]
    [InlineData(200, null)]
    [InlineData(204, null)]
    [InlineData(299, null)]
    [InlineData(304, "304, and redirects are not followed")]
    [InlineData(400, "400")]
    [InlineData(404, "404")]
    [InlineData(500, "500")]
    [InlineData(599, "599")]
    public async Task Only_a_2xx_status_counts_as_delivered(int status, string? reason)
    {
        using var bench = await WebhookBench.StartAsync(azurite);
        await using var receiver = await Receiver.StartAsync(_ => status);
        var webhook = await bench.AddAsync(receiver);
        await bench.AppendAsync(Guid.NewGuid());

        await bench.DeliverAsync();

        var rows = await bench.RowsAsync(webhook);
        Assert.Equal(reason, rows.TryGetValue(Held(1), out var held) ? held.GetString("Reason") : null);
    }

    [Fact]
    public async Task An_endless_response_body_is_cut_off_and_its_status_counts()
    {
        using var bench = await WebhookBench.StartAsync(azurite);
        var aborted = new TaskCompletionSource();
        await using var receiver = await Receiver.StartAsync(async (http, _) =>
        {
            try
            {
                while (true)
                    await http.Response.WriteAsync(new string('x', 1_000), http.RequestAborted);
            }
            catch (OperationCanceledException)
            {
                aborted.SetResult();
            }
        });
        var webhook = await bench.AddAsync(receiver);
        await bench.AppendAsync(Guid.NewGuid());

        await bench.DeliverAsync();

        await aborted.Task.WaitAsync(TimeSpan.FromSeconds(60));
        Assert.Single(receiver.All);
        await bench.IsDoneAsync(webhook);
    }

    [Fact]
    public async Task The_status_of_a_response_with_a_truncated_body_counts()
    {
        using var bench = await WebhookBench.StartAsync(azurite);
        var webhook = await bench.AddAsync(Speaks("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\na little"));
        await bench.AppendAsync(Guid.NewGuid());

        await bench.DeliverAsync();

        await bench.IsDoneAsync(webhook);
    }

    [Fact]
    public async Task A_response_with_endless_headers_is_a_failure()
    {
        using var bench = await WebhookBench.StartAsync(azurite);
        var webhook = await bench.AddAsync(Speaks($"HTTP/1.1 200 OK\r\nX-Long: {new string('x', 100_000)}\r\n\r\n"));
        await bench.AppendAsync(Guid.NewGuid());

        await bench.DeliverAsync();

        Assert.Equal("the connection ended without a valid response", (await bench.RowsAsync(webhook))[Held(1)].GetString("Reason"));
    }

    [Fact]
    public async Task Aborted_refused_and_invalid_responses_are_failures()
    {
        using var bench = await WebhookBench.StartAsync(azurite);
        await using var receiver = await Receiver.StartAsync((http, _) =>
        {
            http.Abort();
            return Task.CompletedTask;
        });
        var dying = await bench.AddAsync(receiver);
        var missing = await bench.AddAsync(Nowhere(out var socket));
        using var _ = socket;
        var garbage = await bench.AddAsync(Speaks("220 mail.example.com ESMTP\r\n\r\n"));
        await bench.AppendAsync(Guid.NewGuid());

        await bench.DeliverAsync();

        Assert.Equal("the connection ended without a valid response", await ReasonAsync(dying));
        Assert.Equal("no connection (ConnectionRefused)", await ReasonAsync(missing));
        Assert.Equal("the connection ended without a valid response", await ReasonAsync(garbage));

        async Task<string> ReasonAsync(Webhook webhook) => (await bench.RowsAsync(webhook))[Held(1)].GetString("Reason");
    }

    [Fact]
    public async Task The_lease_of_a_crashed_server_expires_and_no_event_is_lost()
    {
        using var bench = await WebhookBench.StartAsync(azurite);
        await using var receiver = await Receiver.StartAsync();
        var webhook = await bench.AddAsync(receiver);
        var ids = await bench.AppendAsync((EventTypes.SessionCreated, Guid.NewGuid(), null), (EventTypes.SessionCreated, Guid.NewGuid(), null));
        var dead = await WebhookProgress.TakeAsync(bench.Tables.Events, webhook, bench.Time.GetUtcNow(), None);
        Assert.True(dead.IsHolder);

        await bench.DeliverAsync();
        await bench.DeliverAsync();
        Assert.Empty(receiver.All);
        Assert.Equal([WebhookProgress.LeaseTime], bench.Delays);

        await bench.RunNextAsync();
        Assert.Equal(ids.Order(), receiver.Ids.Order());
        await bench.IsDoneAsync(webhook);

        // The server was not dead but slow. It can no longer write anything.
        Assert.False(await dead.CommitAsync([], 0, bench.Time.GetUtcNow(), release: true, None));
        await bench.IsDoneAsync(webhook);
    }

    [Fact]
    public async Task After_a_crash_unrecorded_deliveries_are_repeated_in_order()
    {
        var (first, second) = (Guid.NewGuid(), Guid.NewGuid());
        using var bench = await WebhookBench.StartAsync(azurite);
        await using var receiver = await Receiver.StartAsync((http, received)
            => received.SessionId == second.ToString() ? Task.Delay(Timeout.Infinite, http.RequestAborted) : Task.CompletedTask);
        var webhook = await bench.AddAsync(receiver);
        var ids = await bench.AppendAsync(
            (EventTypes.SessionCreated, second, null), (EventTypes.SessionCreated, first, null), (EventTypes.SessionDeleted, first, null));

        // This server hangs forever, like one that has crashed, and writes nothing.
        var crashing = bench.NewServer();
        _ = crashing.RunAsync(WebhookBench.Account, webhook.Id, None);
        await receiver.ArrivedAsync(3);
        receiver.Respond = (_, _) => Task.CompletedTask;
        await EndLeaseAsync(bench, webhook);
        await bench.DeliverAsync();

        Assert.Equal([ids[1], ids[2], ids[1], ids[2]], receiver.All.Where(received => received.SessionId == first.ToString()).Select(received => received.Id));
        Assert.Equal([ids[0], ids[0]], receiver.All.Where(received => received.SessionId == second.ToString()).Select(received => received.Id));
        await bench.IsDoneAsync(webhook);
    }

    [Fact]
    public async Task Servers_never_send_to_the_same_webhook_at_the_same_time()
    {
        var session = Guid.NewGuid();
        using var bench = await WebhookBench.StartAsync(azurite);
        await using var receiver = await Receiver.StartAsync();
        var webhook = await bench.AddAsync(receiver);
        for (var number = 0; number < 50; number++)
            await bench.AppendAsync(session);

        var servers = Enumerable.Range(0, 5).Select(_ => bench.NewServer()).ToArray();
        await Task.WhenAll(servers.Select(server => server.RunAsync(WebhookBench.Account, webhook.Id, None)));

        Assert.Equal(50, receiver.All.Count);
        Assert.Equal(receiver.Ids.OrderBy(Number), receiver.Ids);
        await bench.IsDoneAsync(webhook);
    }

    [Fact]
    public async Task All_events_arrive_in_order_at_a_receiver_that_fails_a_third_of_the_time()
    {
        const int Sessions = 40, Events = 1_300;
        using var bench = await WebhookBench.StartAsync(azurite);
        var random = new Random(7);
        await using var receiver = await Receiver.StartAsync(_ =>
        {
            lock (random)
                return random.Next(3) == 0 ? 500 : 200;
        });
        var webhook = await bench.AddAsync(receiver);
        var sessions = Enumerable.Range(0, Sessions).Select(_ => Guid.NewGuid()).ToArray();
        var ids = await bench.AppendAsync([.. Enumerable.Range(0, Events).Select(number
            => (EventTypes.ParticipantJoined, (Guid?)sessions[number % Sessions], (Guid?)null))]);

        await bench.DeliverAsync();
        while (bench.Delays.Count > 0)
            await bench.RunNextAsync();

        Assert.Equal(ids.Order(), receiver.Ids.Distinct().Order());
        foreach (var session in sessions)
        {
            var first = receiver.All.Where(received => received.SessionId == session.ToString()).Select(received => received.Id).Distinct().ToArray();
            Assert.Equal(first.OrderBy(Number), first);
        }

        await bench.IsDoneAsync(webhook);
    }

    [Fact]
    public async Task With_5000_held_events_no_more_log_entries_are_read()
    {
        const int MostHeld = 5_000;
        var session = Guid.NewGuid();
        using var bench = await WebhookBench.StartAsync(azurite);
        await using var receiver = await Receiver.StartAsync(_ => 500);
        var webhook = await bench.AddAsync(receiver);
        await bench.AppendAsync([.. Enumerable.Repeat((EventTypes.ParticipantJoined, (Guid?)session, (Guid?)null), MostHeld + 150)]);

        await bench.DeliverAsync();

        var rows = await bench.RowsAsync(webhook);
        Assert.Equal((MostHeld + 1, MostHeld), (rows.Count, rows["cursor"].GetInt64("Position")));
        Assert.Single(receiver.All);
        Assert.Single(bench.Delays);
        await bench.RunNextAsync();
        Assert.Equal(2, receiver.All.Count);
        Assert.Single(bench.Delays);
    }

    [Fact]
    public async Task Only_events_of_the_chosen_types_after_the_creation_of_the_webhook_are_sent()
    {
        var session = Guid.NewGuid();
        using var bench = await WebhookBench.StartAsync(azurite);
        await using var receiver = await Receiver.StartAsync();
        await bench.AppendAsync(session);
        var webhook = await bench.AddAsync(receiver, EventTypes.SessionDeleted, EventTypes.SessionCreated);
        await bench.AppendAsync((EventTypes.SessionCreated, session, null), (EventTypes.ParticipantJoined, session, Guid.NewGuid()), (EventTypes.SessionDeleted, session, null));

        await bench.DeliverAsync();

        Assert.Equal(["session.created", "session.deleted"], receiver.All.Select(received => received.Type));
        await bench.IsDoneAsync(webhook);
    }

    [Fact]
    public async Task A_removed_webhook_gets_no_events_and_leaves_no_row()
    {
        using var bench = await WebhookBench.StartAsync(azurite);
        await using var receiver = await Receiver.StartAsync(_ => 500);
        var webhook = await bench.AddAsync(receiver);
        await bench.AppendAsync(Guid.NewGuid());
        await bench.DeliverAsync();

        Assert.True(await bench.Store.RemoveAsync(WebhookBench.Account, webhook.Id, None));
        Assert.False(await bench.Store.RemoveAsync(WebhookBench.Account, webhook.Id, None));
        await bench.RunNextAsync();

        Assert.Single(receiver.All);
        Assert.Empty(await bench.RowsAsync(webhook));
        Assert.Empty(bench.Delays);
    }

    [Fact]
    public async Task A_webhook_that_is_removed_during_a_delivery_leaves_no_row()
    {
        using var bench = await WebhookBench.StartAsync(azurite);
        await using var receiver = await Receiver.StartAsync((http, _) => Task.Delay(Timeout.Infinite, http.RequestAborted));
        var webhook = await bench.AddAsync(receiver);
        await bench.AppendAsync(Guid.NewGuid());
        var run = bench.DeliverAsync();
        await receiver.ArrivedAsync();

        await bench.Store.RemoveAsync(WebhookBench.Account, webhook.Id, None);
        bench.Time.Advance(WebhookClient.TryTimeout);
        await run;

        Assert.Empty(await bench.RowsAsync(webhook));
    }

    [Fact]
    public async Task A_stopped_server_releases_its_lease_and_another_server_continues()
    {
        using var bench = await WebhookBench.StartAsync(azurite);
        await using var receiver = await Receiver.StartAsync((http, _) => Task.Delay(Timeout.Infinite, http.RequestAborted));
        var webhook = await bench.AddAsync(receiver);
        var id = await bench.AppendAsync(Guid.NewGuid());
        using var stop = new CancellationTokenSource();
        var run = bench.Delivery.RunAsync(WebhookBench.Account, webhook.Id, stop.Token);
        await receiver.ArrivedAsync();

        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => run);
        receiver.Respond = (_, _) => Task.CompletedTask;
        await bench.NewServer().RunAsync(WebhookBench.Account, webhook.Id, None);

        Assert.Equal([id, id], receiver.Ids);
        await bench.IsDoneAsync(webhook);
    }

    [Fact]
    public async Task A_run_ends_after_half_a_minute_and_continues_with_a_queue_message()
    {
        var session = Guid.NewGuid();
        using var bench = await WebhookBench.StartAsync(azurite);
        await using var receiver = await Receiver.StartAsync();
        receiver.Respond = (_, _) =>
        {
            bench.Time.Advance(TimeSpan.FromSeconds(10));
            return Task.CompletedTask;
        };
        var webhook = await bench.AddAsync(receiver);
        for (var number = 0; number < 5; number++)
            await bench.AppendAsync(session);

        await bench.Delivery.RunAsync(WebhookBench.Account, webhook.Id, None);
        Assert.Equal(3, receiver.All.Count);
        Assert.Equal([TimeSpan.Zero], bench.Delays);
        await bench.RunDueAsync();

        Assert.Equal(5, receiver.All.Count);
        await bench.IsDoneAsync(webhook);
    }

    [Fact]
    public async Task A_storage_failure_causes_a_retry_after_half_a_minute()
    {
        using var bench = await WebhookBench.StartAsync(azurite);
        await using var receiver = await Receiver.StartAsync();
        var webhook = await bench.AddAsync(receiver);
        await bench.AppendAsync(Guid.NewGuid());
        await bench.Tables.Events.DeleteAsync();

        await bench.DeliverAsync();

        Assert.Equal([TimeSpan.FromSeconds(30)], bench.Delays);
        Assert.Contains(bench.Lines, line => line.Contains($"Storage failed during the delivery of events to webhook {webhook.Id}", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Logs_contain_the_webhook_id_and_host_but_no_secret_path_or_query()
    {
        const string Query = "query-that-nobody-may-see";
        using var bench = await WebhookBench.StartAsync(azurite);
        await using var receiver = await Receiver.StartAsync(_ => 500);
        await using var gone = await Receiver.StartAsync(_ => 410);
        var nowhere = Nowhere(out var socket);
        using var _ = socket;
        List<Webhook> webhooks =
        [
            await bench.AddAsync(new Uri(receiver.Url, $"/{Query}?{Query}={Query}")),
            await bench.AddAsync(new Uri(gone.Url, $"/?{Query}")),
            await bench.AddAsync(new Uri(nowhere, $"/?{Query}")),
            await bench.AddAsync(new Uri($"http://nowhere.invalid/?{Query}")),
            await bench.AddAsync(new Uri($"http://10.0.0.1/?{Query}")),
        ];
        await bench.AppendAsync(Guid.NewGuid());

        await bench.DeliverAsync();
        while (bench.Delays.Count > 0)
            await bench.RunNextAsync();

        Assert.All(webhooks, webhook => Assert.Contains(bench.Lines, line => line.Contains($"{webhook.Id} at {webhook.Url.Host}", StringComparison.Ordinal)));
        Assert.All(bench.Lines, line => Assert.DoesNotContain(Query, line, StringComparison.Ordinal));
        Assert.All(webhooks, webhook => Assert.All(bench.Lines, line => Assert.DoesNotContain(webhook.Secret["whsec_".Length..], line, StringComparison.Ordinal)));
        Assert.All(webhooks, webhook => Assert.DoesNotContain(webhook.Secret, $"{webhook}", StringComparison.Ordinal));
    }

    private static string Held(int position) => string.Create(CultureInfo.InvariantCulture, $"held:{position:D15}");

    private static int Number(string id) => int.Parse(id.Split('_')[^1], CultureInfo.InvariantCulture);

    private static IEnumerable<string> Types(Receiver receiver, Guid session)
        => receiver.All.Where(received => received.SessionId == session.ToString()).Select(received => received.Type);

    /// <summary>A port on which nobody listens, and which no other program gets while the socket exists.</summary>
    private static Uri Nowhere(out Socket socket)
    {
        socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return new($"http://{socket.LocalEndPoint}/");
    }

    /// <summary>A port that returns these characters on its first connection.</summary>
    private static Uri Speaks(string response)
    {
        var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        _ = Task.Run(async () =>
        {
            using (listener)
            using (var client = await listener.AcceptTcpClientAsync())
            {
                var stream = client.GetStream();
                var buffer = new byte[4096];
                int count;
                do
                    count = await stream.ReadAsync(buffer);
                while (count > 0 && buffer[count - 1] != '}');
                try
                {
                    await stream.WriteAsync(Encoding.ASCII.GetBytes(response));
                }
                catch (IOException)
                {
                    // The client has read enough.
                }
            }
        });
        return new($"http://127.0.0.1:{((IPEndPoint)listener.LocalEndpoint).Port}/");
    }

    /// <summary>Ends a server's lease as if it had expired, although no time passes for the server.</summary>
    private static async Task EndLeaseAsync(WebhookBench bench, Webhook webhook)
    {
        var cursor = (await bench.RowsAsync(webhook))["cursor"];
        cursor["LeaseUntil"] = DateTimeOffset.UnixEpoch;
        await bench.Tables.Events.UpdateEntityAsync(cursor, cursor.ETag);
    }
}
