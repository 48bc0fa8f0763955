using Azure;
using Azure.Data.Tables;
using Sessions.Bench;

namespace Sessions.Limit;

/// <summary>For each operation the storage calls that Sessions makes for it, with rows of the same columns, in the same order.</summary>
internal sealed class StorageCalls(TableClient sessions, TableClient participants)
{
    private const string Header = "session";
    private const string Participant = "participant";

    private static readonly TimeSpan Lifetime = TimeSpan.FromHours(9);

    private (string Session, string[] Members)[] _prepared = [];

    /// <summary>Makes the tables, and sessions of three members.</summary>
    public async Task PrepareAsync(int count)
    {
        await sessions.CreateIfNotExistsAsync();
        await participants.CreateIfNotExistsAsync();
        _prepared = await Task.WhenAll(Enumerable.Range(0, count).Select(async _ =>
        {
            var session = await CreateSessionAsync();
            string[] members = [await CreateParticipantAsync(), await CreateParticipantAsync(), await CreateParticipantAsync()];
            foreach (var member in members)
                await AddAsync(session, member);
            return (session, members);
        }));
    }

    /// <summary>What a loop does again and again for an operation.</summary>
    public Func<int, CallRecorder, Task> Loop(string operation, int loops)
    {
        var next = Enumerable.Range(0, loops).ToArray();
        return operation switch
        {
            Operations.GetSession => (loop, recorder) => recorder.RecordAsync(() => GetSessionAsync(Next(loop).Session)),
            Operations.GetParticipantSubscriptions => GetSubscriptionsAsync,
            Operations.CreateSession => (_, recorder) => recorder.RecordAsync(CreateSessionAsync),
            Operations.UpdateParticipantSubscriptions => UpdateAsync,
            Operations.Call => (_, recorder) => CallAsync(recorder),
            _ => throw new BenchmarkException($"There is no operation {operation}."),
        };

        Task GetSubscriptionsAsync(int loop, CallRecorder recorder)
        {
            var (session, member, _) = Next(loop);
            return recorder.RecordAsync(() => GetMemberAsync(session, member));
        }

        Task UpdateAsync(int loop, CallRecorder recorder)
        {
            var (session, member, other) = Next(loop);
            return recorder.RecordAsync(() => UpdateSubscriptionsAsync(session, member, Samples.TwoStreams(session, other)));
        }

        // Each loop goes over the sessions and members on its own, and no two are at the same one for long.
        (string Session, string Member, string Other) Next(int loop)
        {
            var at = next[loop];
            next[loop] += loops;
            var (session, members) = _prepared[at % _prepared.Length];
            var member = at / _prepared.Length % members.Length;
            return (session, members[member], members[(member + 1) % members.Length]);
        }
    }

    private async Task CallAsync(CallRecorder recorder)
    {
        var session = await recorder.RecordAsync(CreateSessionAsync);
        var members = new string[3];
        for (var member = 0; member < members.Length; member++)
            members[member] = await recorder.RecordAsync(CreateParticipantAsync);
        foreach (var member in members)
            await recorder.RecordAsync(() => AddAsync(session, member));
        foreach (var member in members.Take(2))
            await recorder.RecordAsync(() => UpdateSubscriptionsAsync(session, member, Samples.TwoStreams(session, members[2])));
        await recorder.RecordAsync(() => GetSessionAsync(session));
        await recorder.RecordAsync(() => QueryAsync(session));
        foreach (var member in members)
            await recorder.RecordAsync(() => GetMemberAsync(session, member));
        await recorder.RecordAsync(() => GetParticipantAsync(session, members[0]));
        foreach (var member in members)
            await recorder.RecordAsync(() => RemoveAsync(session, member));
        foreach (var member in members)
            await recorder.RecordAsync(() => DeleteParticipantAsync(member));
        await recorder.RecordAsync(() => DeleteSessionAsync(session));
    }

    private async Task<string> CreateSessionAsync()
    {
        var id = Guid.NewGuid().ToString();
        var now = DateTimeOffset.UtcNow;
        var row = new TableEntity(Partition(id), Header)
        {
            ["Tag"] = Samples.SessionTag,
            ["Created"] = now,
            ["Expires"] = now + Lifetime,
            ["Version"] = FreshId(),
            ["WriteId"] = FreshId(),
        };
        await Task.WhenAll(IndexAsync(sessions, row, now), sessions.AddEntityAsync(row));
        return id;
    }

    private async Task<string> CreateParticipantAsync()
    {
        var id = Guid.NewGuid().ToString();
        var now = DateTimeOffset.UtcNow;
        var row = new TableEntity(Partition(id), Participant)
        {
            ["Created"] = now,
            ["Expires"] = now + Lifetime,
            ["SessionId"] = "",
            ["WriteId"] = FreshId(),
        };
        SetFields(row);
        await Task.WhenAll(IndexAsync(participants, row, now), participants.AddEntityAsync(row));
        return id;
    }

    private static Task<Response> IndexAsync(TableClient table, TableEntity row, DateTimeOffset now)
        => table.AddEntityAsync(new TableEntity(
            string.Create(null, $":{(now + Lifetime).UtcDateTime:yyyyMMddHH}:{row.PartitionKey[^1]}"), row.PartitionKey));

    private async Task<TableEntity> GetSessionAsync(string session)
        => Found(await sessions.GetEntityIfExistsAsync<TableEntity>(Partition(session), Header));

    private async Task<TableEntity> GetMemberAsync(string session, string member)
        => Found(await sessions.GetEntityIfExistsAsync<TableEntity>(Partition(session), Member(member)));

    private async Task<TableEntity> GetParticipantAsync(string participant)
        => Found(await participants.GetEntityIfExistsAsync<TableEntity>(Partition(participant), Participant));

    private async Task<TableEntity> GetParticipantAsync(string session, string participant)
    {
        await GetParticipantAsync(participant);
        return await GetMemberAsync(session, participant);
    }

    /// <returns>The header's ETag.</returns>
    private async Task<ETag> QueryAsync(string session)
    {
        ETag? header = null;
        var partition = Partition(session);
        await foreach (var row in sessions.QueryAsync<TableEntity>(TableClient.CreateQueryFilter($"PartitionKey eq {partition}")))
        {
            if (row.RowKey == Header)
                header = row.ETag;
        }

        return header ?? throw new BenchmarkException("A session is missing.");
    }

    private async Task<(ETag Participant, ETag Header)> ReadBothAsync(string session, string participant)
    {
        var reading = GetParticipantAsync(participant);
        var querying = QueryAsync(session);
        await Task.WhenAll(reading, querying);
        return ((await reading).ETag, await querying);
    }

    private async Task<Response> AddAsync(string session, string participant)
    {
        var (participantETag, headerETag) = await ReadBothAsync(session, participant);
        await ClaimAsync(participant, session, participantETag);
        var now = DateTimeOffset.UtcNow;
        var row = new TableEntity(Partition(session), Member(participant))
        {
            ["Subscriptions"] = Samples.WholeSession(session),
            ["WriteId"] = FreshId(),
            ["Joined"] = now,
            ["Expires"] = now + Lifetime,
        };
        SetFields(row);
        return await SubmitAsync(sessions, RewriteHeader(session, headerETag), new(TableTransactionActionType.Add, row));
    }

    private async Task<Response> UpdateSubscriptionsAsync(string session, string member, byte[] subscriptions)
    {
        var row = new TableEntity(Partition(session), Member(member)) { ["Subscriptions"] = subscriptions, ["WriteId"] = FreshId() };
        var writing = sessions.UpdateEntityAsync(row, ETag.All);
        await Task.WhenAll(GetMemberAsync(session, member), writing);
        return await writing;
    }

    private async Task<Response> RemoveAsync(string session, string participant)
    {
        var (participantETag, headerETag) = await ReadBothAsync(session, participant);
        await SubmitAsync(sessions, RewriteHeader(session, headerETag), Delete(Partition(session), Member(participant), ETag.All));
        return await ClaimAsync(participant, "", participantETag);
    }

    private async Task<Response> DeleteParticipantAsync(string participant)
    {
        var row = await GetParticipantAsync(participant);
        return await SubmitAsync(participants, Delete(row.PartitionKey, row.RowKey, row.ETag));
    }

    private async Task<Response> DeleteSessionAsync(string session)
        => await SubmitAsync(sessions, Delete(Partition(session), Header, await QueryAsync(session)));

    private Task<Response> ClaimAsync(string participant, string session, ETag etag)
        => participants.UpdateEntityAsync(
            new TableEntity(Partition(participant), Participant) { ["SessionId"] = session, ["WriteId"] = FreshId() }, etag);

    private static async Task<Response> SubmitAsync(TableClient table, params IEnumerable<TableTransactionAction> actions)
        => (await table.SubmitTransactionAsync(actions)).GetRawResponse();

    private static TableTransactionAction RewriteHeader(string session, ETag etag)
        => new(
            TableTransactionActionType.UpdateMerge,
            new TableEntity(Partition(session), Header) { ["WriteId"] = FreshId(), ["Version"] = FreshId() },
            etag);

    private static TableTransactionAction Delete(string partition, string row, ETag etag)
        => new(TableTransactionActionType.Delete, new TableEntity(partition, row), etag);

    private static void SetFields(TableEntity row)
    {
        row["CallbackUrl"] = Samples.CallbackUrl;
        row["PublishPermissions"] = "AUDIO,VIDEO";
        row["Tag"] = Samples.ParticipantTag;
        row["DeviceApiVersion"] = "V3";
    }

    private static TableEntity Found(NullableResponse<TableEntity> response)
        => response.HasValue ? response.Value! : throw new BenchmarkException("A row is missing.");

    private static string Partition(string id) => $"{Samples.Account}:{id}";

    private static string Member(string participant) => $"member:{participant}";

    private static string FreshId() => Guid.NewGuid().ToString();
}
