using System.Net;
using System.Text;
using Azure.Core;
using Azure.Data.Tables;
using Sessions.Model;
using Sessions.Storage;
using Sessions.Webhooks;

namespace Sessions.Tests;

/// <summary>A sweep deletes expired rows, and live rows cost it nothing.</summary>
public sealed class SweepTests(SweepTests.OwnServer server, AzuriteFixture azurite) : IClassFixture<SweepTests.OwnServer>
{
    private static readonly TimeSpan Lifetime = TimeSpan.FromHours(9);

    // The hour of the index must also have ended.
    private static readonly TimeSpan UntilSwept = Sweeper.Grace + TimeSpan.FromHours(1);

    [Fact]
    public async Task A_sweep_deletes_exactly_the_rows_of_expired_sessions_and_participants()
    {
        var account = await server.NewAccountAsync();
        var (session, _) = await account.CreateMemberAsync();
        await account.SendAsync(HttpMethod.Post, "/sessions", headers: ("Idempotency-Key", "key"));
        var deleted = await account.CreateSessionAsync();
        await account.DeleteAsync($"/sessions/{deleted}");
        server.Time.Advance(Lifetime + UntilSwept - TimeSpan.FromHours(3));
        var (living, member) = await account.CreateMemberAsync();
        await SweepAsync();
        Assert.Equal(8, (await account.RowsAsync()).Count);

        server.Time.Advance(TimeSpan.FromHours(3));
        await SweepAsync();

        Assert.DoesNotContain(await account.RowsAsync(), row => row.Contains(session, StringComparison.Ordinal));
        Assert.Equal(4, (await account.RowsAsync()).Count);
        Assert.Equal(member, (await account.GetAsync($"/sessions/{living}/participants")).Json[0].GetProperty("id").GetString());
        Assert.Equal(2 + 4, await IndexRowsAsync(account));
    }

    [Fact]
    public async Task The_device_and_callback_rows_of_a_participant_are_deleted_with_its_last_event()
    {
        var account = await server.NewAccountAsync();
        var (accountId, id) = (AccountId.Parse(account.Id), new ParticipantId(Guid.Parse(await account.CreateParticipantAsync("""{"callbackUrl":"https://example.com/"}"""))));
        var row = DevicesRow.Of(accountId, (await ParticipantRow.FindAsync(server.Tables.Participants, accountId, id, CancellationToken.None))!)
            .With(new(DeviceChangeKind.Connected, "device", server.Time.GetUtcNow()), "gateway", "run");
        var eventsExpire = server.Time.GetUtcNow() + SessionsOptions.DefaultEventRetention;
        await server.Tables.Participants.SubmitTransactionAsync(row.ToActions("write", eventsExpire));
        await new CallbackRow(accountId, id) { Position = 1, Expires = eventsExpire }.TryWriteAsync(server.Tables.Participants, CancellationToken.None);
        server.Time.Advance(Lifetime + UntilSwept);
        await SweepAsync();
        Assert.Equal(2, (await account.RowsAsync()).Count);
        Assert.Equal(2, (await account.EventRowsAsync()).Count);

        server.Time.Advance(SessionsOptions.DefaultEventRetention + UntilSwept);
        await SweepAsync();

        Assert.Empty(await account.RowsAsync());
        Assert.Empty(await account.EventRowsAsync());
        Assert.Equal(0, await IndexRowsAsync(account));
    }

    [Fact]
    public async Task Events_are_kept_for_seven_days_and_then_deleted()
    {
        var account = await server.NewAccountAsync();
        var (session, participant) = await account.CreateMemberAsync();
        server.Time.Advance(Lifetime + UntilSwept);
        await SweepAsync();
        Assert.Empty(await account.RowsAsync());
        var rows = await account.EventRowsAsync();
        Assert.Equal(4, rows.Count);
        Assert.Contains(rows, row => row.Contains(participant, StringComparison.Ordinal) && row.Contains("sessionEnded", StringComparison.Ordinal) && row.Contains("session.ended", StringComparison.Ordinal));

        server.Time.Advance(SessionsOptions.DefaultEventRetention - TimeSpan.FromHours(3));
        await SweepAsync();
        Assert.Contains(await account.EventRowsAsync(), row => row.Contains(session, StringComparison.Ordinal));

        server.Time.Advance(TimeSpan.FromHours(3) + UntilSwept);
        await SweepAsync();
        Assert.Empty(await account.EventRowsAsync());
        Assert.Equal(0, await IndexRowsAsync(account));
    }

    [Fact]
    public async Task An_idempotency_key_is_kept_while_the_events_of_its_resource_are_kept()
    {
        await using var own = new Server(azurite);
        await own.InitializeAsync();
        var account = await own.NewAccountAsync();
        await CreateAsync();
        own.Time.Advance(Lifetime + UntilSwept);
        await SweepAsync(TimeSpan.FromDays(40));
        own.Time.Advance(TimeSpan.FromDays(30));
        await SweepAsync(TimeSpan.FromDays(40));

        Assert.Equal(HttpStatusCode.Conflict, (await CreateAsync()).Status);

        own.Time.Advance(TimeSpan.FromDays(11));
        await SweepAsync(TimeSpan.FromDays(40));
        Assert.Empty(await account.EventRowsAsync());
        Assert.Equal(HttpStatusCode.OK, (await CreateAsync()).Status);

        Task<Answer> CreateAsync() => account.SendAsync(HttpMethod.Post, "/sessions", headers: ("Idempotency-Key", "key"));

        Task SweepAsync(TimeSpan retention) => new Sweeper(own.Tables, retention, own.Time, EventQueue.None).SweepAsync(10_000, CancellationToken.None);
    }

    [Theory]
    [InlineData("/sessions")]
    [InlineData("/participants")]
    public async Task An_idempotency_key_is_kept_for_30_days_despite_sweeps(string path)
    {
        var account = await server.NewAccountAsync();
        var first = await CreateAsync();
        server.Time.Advance(Lifetime + UntilSwept);
        await SweepAsync();
        Assert.Single(await account.RowsAsync());
        (await account.ChangesNothingAsync(CreateAsync)).IsError(
            HttpStatusCode.Conflict, "Idempotency-Key: the resource that was created with this key was deleted or has expired.");

        server.Time.Advance(TimeSpan.FromDays(30) - Lifetime - UntilSwept - TimeSpan.FromMinutes(1));
        await SweepAsync();
        Assert.Equal(HttpStatusCode.Conflict, (await account.ChangesNothingAsync(CreateAsync)).Status);

        server.Time.Advance(TimeSpan.FromMinutes(1) + UntilSwept);
        await SweepAsync();
        Assert.Empty(await account.RowsAsync());
        Assert.Equal(0, await IndexRowsAsync(account));
        Assert.Equal((HttpStatusCode.OK, HttpStatusCode.OK), (first.Status, (await CreateAsync()).Status));

        Task<Answer> CreateAsync() => account.SendAsync(HttpMethod.Post, path, headers: ("Idempotency-Key", "key"));
    }

    [Theory]
    [InlineData("/sessions", HttpStatusCode.UnprocessableEntity)]
    [InlineData("/participants", HttpStatusCode.UnprocessableEntity)]
    [InlineData("/sessions", HttpStatusCode.Conflict)]
    [InlineData("/participants", HttpStatusCode.Conflict)]
    public async Task A_rejected_creation_leaves_no_index_row(string path, HttpStatusCode refusal)
    {
        var account = await server.NewAccountAsync();
        var created = (await account.SendAsync(HttpMethod.Post, path, headers: ("Idempotency-Key", "key"))).Json;
        if (refusal == HttpStatusCode.Conflict)
            await account.DeleteAsync($"{path}/{(created.TryGetProperty("participant", out var participant) ? participant : created).GetProperty("id")}");

        // In a different hour the index row would be a different one.
        server.Time.Advance(TimeSpan.FromHours(1));
        var answer = await account.SendAsync(HttpMethod.Post, path, """{"tag":"another"}""", headers: ("Idempotency-Key", "key"));

        Assert.Equal(refusal, answer.Status);
        Assert.Equal(1, await IndexRowsAsync(account));
    }

    [Theory]
    [InlineData("/sessions")]
    [InlineData("/participants")]
    public async Task A_creation_with_a_key_is_indexed_even_if_the_response_was_lost(string path)
    {
        var account = await server.NewWarmAccountAsync();
        var writes = 0;
        server.Faults.Choose = request => request.Method != RequestMethod.Get && writes++ == 0 ? StorageFault.ResetAfter : StorageFault.None;

        var answer = await account.SendAsync(HttpMethod.Post, path, headers: ("Idempotency-Key", "key"));

        server.Faults.Choose = _ => StorageFault.None;
        Assert.Equal(HttpStatusCode.OK, answer.Status);
        Assert.Equal(1, await IndexRowsAsync(account));
    }

    [Fact]
    public async Task A_sweep_without_expired_rows_makes_2_storage_calls()
    {
        var account = await server.NewAccountAsync();
        for (var number = 0; number < 20; number++)
            await account.CreateSessionAsync();

        // Deletes what other tests have left.
        await SweepAsync();
        server.StorageCalls.Clear();

        await SweepAsync();

        Assert.Equal(2, server.StorageCalls.Count);
    }

    [Fact]
    public async Task A_sweep_stops_at_its_limit_and_later_sweeps_continue()
    {
        var account = await server.NewAccountAsync();
        await Task.WhenAll(Enumerable.Range(0, 250).Select(_ => account.CreateSessionAsync()));
        server.Time.Advance(Lifetime + UntilSwept);
        var before = (await account.RowsAsync()).Count;

        await server.Sweeper.SweepAsync(100, CancellationToken.None);
        var after = (await account.RowsAsync()).Count;
        Assert.InRange(before - after, 1, 250 - 1);

        while (await SweepAsync() > 0)
        {
        }

        Assert.Empty(await account.RowsAsync());
    }

    [Fact]
    public async Task Rows_that_could_not_be_deleted_are_deleted_by_the_next_sweep()
    {
        var account = await server.NewAccountAsync();
        await account.CreateSessionAsync();
        server.Time.Advance(Lifetime + UntilSwept);
        server.Faults.Choose = request => request.Method == RequestMethod.Post ? StorageFault.Busy : StorageFault.None;
        await SweepAsync();
        server.Faults.Choose = _ => StorageFault.None;
        Assert.Single(await account.RowsAsync());

        await SweepAsync();

        Assert.Empty(await account.RowsAsync());
    }

    [Fact]
    public async Task The_index_keeps_rows_that_could_not_be_deleted()
    {
        var account = await server.NewAccountAsync();
        var session = await account.CreateSessionAsync();
        server.Time.Advance(Lifetime + UntilSwept);
        server.Faults.Choose = request => DeletesRowOf(request, session) ? StorageFault.Busy : StorageFault.None;

        await SweepAsync();

        server.Faults.Choose = _ => StorageFault.None;
        Assert.Equal((1, 2), ((await account.RowsAsync()).Count, await IndexRowsAsync(account)));
        await SweepAsync();
        Assert.Equal((0, 1), ((await account.RowsAsync()).Count, await IndexRowsAsync(account)));
    }

    [Fact]
    public async Task Index_rows_of_resources_deleted_before_they_expired_are_deleted()
    {
        var account = await server.NewAccountAsync();
        var (session, participant) = await account.CreateMemberAsync();
        await account.DeleteAsync($"/sessions/{session}");
        await account.DeleteAsync($"/participants/{participant}");
        Assert.Equal((0, 2), ((await account.RowsAsync()).Count, await IndexRowsAsync(account)));

        server.Time.Advance(Lifetime + UntilSwept);
        await SweepAsync();
        Assert.Equal(2, await IndexRowsAsync(account));

        server.Time.Advance(SessionsOptions.DefaultEventRetention);
        await SweepAsync();
        Assert.Equal(0, await IndexRowsAsync(account));
    }

    [Fact]
    public async Task No_row_is_deleted_within_an_hour_after_it_expired()
    {
        // Sessions that expire near the end of an hour of the index are swept first.
        server.Time.Advance(TimeSpan.FromMinutes(60 + 50 - server.Time.GetUtcNow().Minute));
        var account = await server.NewAccountAsync();
        await account.CreateMemberAsync();
        await account.SendAsync(HttpMethod.Post, "/sessions", headers: ("Idempotency-Key", "key"));
        server.Time.Advance(Lifetime + TimeSpan.FromMinutes(50));

        var rows = await account.RowsAsync();

        await SweepAsync();

        Assert.Equal(rows, await account.RowsAsync());
        Assert.Equal(3, await IndexRowsAsync(account));

        server.Time.Advance(TimeSpan.FromMinutes(30));
        await SweepAsync();
        Assert.Equal((1, 3), ((await account.RowsAsync()).Count, await IndexRowsAsync(account)));
    }

    [Fact]
    public async Task A_purge_deletes_and_counts_rows_that_expired_an_hour_ago_even_if_they_are_not_indexed()
    {
        // Deletes the rows of other tests, so that they are not counted.
        server.Time.Advance(Lifetime + UntilSwept);
        await PurgeAsync();
        var account = await server.NewAccountAsync();
        await account.CreateMemberAsync();
        await account.CreateParticipantAsync();
        await RemoveIndexRowsAsync(account);
        server.Time.Advance(Lifetime + Sweeper.Grace - TimeSpan.FromMinutes(1));
        await account.CreateMemberAsync();
        await PurgeAsync();
        Assert.Equal(7, (await account.RowsAsync()).Count);

        server.Time.Advance(TimeSpan.FromMinutes(1));

        Assert.Equal((2, 2), await PurgeAsync());
        Assert.Equal((3, 2 + 3), ((await account.RowsAsync()).Count, await IndexRowsAsync(account)));
        Assert.Equal((0, 0), await PurgeAsync());
    }

    private static bool DeletesRowOf(Request request, string session)
    {
        if (request.Method != RequestMethod.Post || request.Content is null)
            return false;

        using var content = new MemoryStream();
        request.Content.WriteTo(content, CancellationToken.None);
        var text = Uri.UnescapeDataString(Encoding.UTF8.GetString(content.ToArray()));
        return text.Contains($":{session}',RowKey='{Keys.Header}'", StringComparison.Ordinal);
    }

    private Task<int> SweepAsync() => server.Sweeper.SweepAsync(10_000, CancellationToken.None);

    private async Task<(int Sessions, int Participants)> PurgeAsync()
    {
        var last = (0, 0);
        await foreach (var soFar in server.Sweeper.PurgeAsync(CancellationToken.None))
            last = soFar;
        return last;
    }

    private async Task RemoveIndexRowsAsync(Account account)
    {
        foreach (var table in new[] { server.Tables.Sessions, server.Tables.Participants })
        {
            await foreach (var row in table.QueryAsync<TableEntity>("PartitionKey gt ':' and PartitionKey lt ';'"))
            {
                if (row.RowKey.StartsWith($"{account.Id}:", StringComparison.Ordinal))
                    await table.DeleteEntityAsync(row.PartitionKey, row.RowKey, row.ETag);
            }
        }
    }

    private async Task<int> IndexRowsAsync(Account account)
    {
        var count = 0;
        foreach (var table in new[] { server.Tables.Sessions, server.Tables.Participants })
        {
            await foreach (var row in table.QueryAsync<TableEntity>("PartitionKey gt ':' and PartitionKey lt ';'"))
                count += row.RowKey.StartsWith($"{account.Id}:", StringComparison.Ordinal) ? 1 : 0;
        }

        return count;
    }

    public sealed class OwnServer(AzuriteFixture azurite) : Server(azurite)
    {
        public Sweeper Sweeper => new(Tables, SessionsOptions.DefaultEventRetention, Time, EventQueue.None);
    }
}
