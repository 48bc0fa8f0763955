using Azure;
using Azure.Data.Tables;
using Sessions.Bench;
using Sessions.Model;
using Sessions.Storage;

namespace Sessions.Limit;

/// <summary>Makes the storage calls of each operation of Sessions, with the same rows and in the same order.</summary>
internal sealed class BareOperations(TableClient sessions, TableClient participants)
{
    private static readonly AccountId Account = AccountId.Parse(Samples.Account);
    private static readonly NewParticipant Participant = NewParticipant.Default with
    {
        CallbackUrl = Samples.CallbackUrl,
        PublishPermissions = ["AUDIO", "VIDEO"],
        Tag = Samples.ParticipantTag,
    };
    private static readonly TimeSpan Lifetime = TimeSpan.FromHours(9);

    private static DateTimeOffset EventsExpire => DateTimeOffset.UtcNow.AddDays(7);

    private (SessionId Session, ParticipantId[] Members)[] _prepared = [];

    /// <summary>Creates the tables, and sessions of three members each.</summary>
    public async Task PrepareAsync(int count)
    {
        await sessions.CreateIfNotExistsAsync();
        await participants.CreateIfNotExistsAsync();
        _prepared = await Task.WhenAll(Enumerable.Range(0, count).Select(async _ =>
        {
            var session = await CreateSessionAsync();
            ParticipantId[] members = [await CreateParticipantAsync(), await CreateParticipantAsync(), await CreateParticipantAsync()];
            foreach (var member in members)
                await JoinAsync(session, member);
            return (session, members);
        }));
    }

    /// <summary>Returns the call that a loop repeats for an operation.</summary>
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
            return recorder.RecordAsync(() => UpdateSubscriptionsAsync(session, member, other));
        }

        // Each loop iterates over the sessions and members separately, so two loops rarely use the same member at the same time.
        (SessionId Session, ParticipantId Member, ParticipantId Other) Next(int loop)
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
        var members = new ParticipantId[3];
        for (var member = 0; member < members.Length; member++)
            members[member] = await recorder.RecordAsync(CreateParticipantAsync);
        foreach (var member in members)
            await recorder.RecordAsync(() => JoinAsync(session, member));
        foreach (var member in members.Take(2))
            await recorder.RecordAsync(() => UpdateSubscriptionsAsync(session, member, members[2]));
        await recorder.RecordAsync(() => GetSessionAsync(session));
        await recorder.RecordAsync(() => ListAsync(session));
        foreach (var member in members)
            await recorder.RecordAsync(() => GetMemberAsync(session, member));
        await recorder.RecordAsync(() => GetParticipantAsync(session, members[0]));
        foreach (var member in members)
            await recorder.RecordAsync(() => LeaveAsync(session, member));
        foreach (var member in members)
            await recorder.RecordAsync(() => DeleteParticipantAsync(member));
        await recorder.RecordAsync(() => DeleteSessionAsync(session));
    }

    private async Task<SessionId> CreateSessionAsync()
    {
        var now = DateTimeOffset.UtcNow;
        var header = new HeaderRow(new(Guid.NewGuid()), Samples.SessionTag, now, now + Lifetime);
        await AddAsync(sessions, header);
        return header.Id;
    }

    private async Task<ParticipantId> CreateParticipantAsync()
    {
        var (id, now) = (new ParticipantId(Guid.NewGuid()), DateTimeOffset.UtcNow);
        await AddAsync(participants, new ParticipantRow(id, ParticipantFields.Of(id, Participant), now, now + Lifetime));
        return id;
    }

    private static Task<Response[]> AddAsync(TableClient table, ResourceRow created)
    {
        var row = created.ToEntity(Account);
        return Task.WhenAll(
            table.AddEntityAsync(IndexRow.Beside(row).ToEntity()),
            SubmitAsync(table, new(TableTransactionActionType.Add, row), created.CreationEvent(Account, EventsExpire).ToAction()));
    }

    private async Task<TableEntity> GetSessionAsync(SessionId session)
        => Found(await sessions.GetEntityIfExistsAsync<TableEntity>(Keys.Partition(Account, session), Keys.Header));

    private async Task<TableEntity> GetMemberAsync(SessionId session, ParticipantId member)
        => Found(await sessions.GetEntityIfExistsAsync<TableEntity>(Keys.Partition(Account, session), Keys.Member(member)));

    private async Task<TableEntity> GetParticipantAsync(ParticipantId participant)
        => Found(await participants.GetEntityIfExistsAsync<TableEntity>(Keys.Partition(Account, participant), Keys.Participant));

    private async Task<TableEntity> GetParticipantAsync(SessionId session, ParticipantId participant)
    {
        await GetParticipantAsync(participant);
        return await GetMemberAsync(session, participant);
    }

    private async Task<int> ListAsync(SessionId session)
    {
        var partition = Keys.Partition(Account, session);
        return await sessions.QueryAsync<TableEntity>(TableClient.CreateQueryFilter($"PartitionKey eq {partition}")).CountAsync();
    }

    private async Task<HeaderRow> GetHeaderAsync(SessionId session) => HeaderRow.From(await GetSessionAsync(session), session);

    private async Task<(ETag Participant, HeaderRow Header)> ReadBothAsync(SessionId session, ParticipantId participant)
    {
        var reading = GetParticipantAsync(participant);
        var readingHeader = GetHeaderAsync(session);
        await Task.WhenAll(reading, readingHeader);
        return ((await reading).ETag, await readingHeader);
    }

    private async Task<Response> JoinAsync(SessionId session, ParticipantId participant)
    {
        var (participantETag, header) = await ReadBothAsync(session, participant);
        await ClaimAsync(participant, session, participantETag);
        var now = DateTimeOffset.UtcNow;
        var member = new MemberRow(
            participant, ParticipantFields.Of(participant, Participant), new(session.ToString(), null), now, now + Lifetime);
        return await SubmitAsync(
            sessions,
            RewriteHeader(header, header.Members.With(new(participant, member.Expires))),
            new(TableTransactionActionType.Add, member.ToEntity(Account, session)),
            Event(header, EventTypes.ParticipantJoined, participant));
    }

    private async Task<Response> UpdateSubscriptionsAsync(SessionId session, ParticipantId member, ParticipantId other)
    {
        var subscriptions = new Subscriptions(session.ToString(), [new(other.ToString(), ["camera", "screen"])]);
        var row = MemberRow.SubscriptionsChange(Account, session, member, subscriptions, Guid.NewGuid().ToString());
        var writing = sessions.UpdateEntityAsync(row, ETag.All);
        await Task.WhenAll(GetMemberAsync(session, member), writing);
        return await writing;
    }

    private async Task<Response> LeaveAsync(SessionId session, ParticipantId participant)
    {
        var (participantETag, header) = await ReadBothAsync(session, participant);
        await SubmitAsync(
            sessions,
            RewriteHeader(header, header.Members.Without([participant])),
            Delete(Keys.Partition(Account, session), Keys.Member(participant), ETag.All),
            Event(header, EventTypes.ParticipantLeft, participant));
        return await ClaimAsync(participant, null, participantETag);
    }

    private async Task<Response> DeleteParticipantAsync(ParticipantId participant)
    {
        var row = await GetParticipantAsync(participant);
        return await SubmitAsync(participants, Delete(row.PartitionKey, row.RowKey, row.ETag));
    }

    private async Task<Response> DeleteSessionAsync(SessionId session)
    {
        var header = await GetHeaderAsync(session);
        return await SubmitAsync(
            sessions,
            Delete(Keys.Partition(Account, session), Keys.Header, header.ETag),
            Event(header, EventTypes.SessionDeleted, null));
    }

    private Task<Response> ClaimAsync(ParticipantId participant, SessionId? session, ETag etag)
        => participants.UpdateEntityAsync(ParticipantRow.ClaimChange(Account, participant, session, Predecessors.None), etag);

    private static async Task<Response> SubmitAsync(TableClient table, params IEnumerable<TableTransactionAction> actions)
        => (await table.SubmitTransactionAsync(actions)).GetRawResponse();

    private static TableTransactionAction RewriteHeader(HeaderRow header, MemberSet members)
        => new(TableTransactionActionType.UpdateMerge, HeaderRow.MembersChange(Account, header.Id, members, header.Events + 1, Guid.NewGuid()), header.ETag);

    private static TableTransactionAction Event(HeaderRow header, string type, ParticipantId? participant)
        => new EventRow(
            Keys.Partition(Account, header.Id),
            header.Events + 1,
            [new(type, DateTimeOffset.UtcNow, participant?.Value)],
            EventsExpire).ToAction();

    private static TableTransactionAction Delete(string partition, string row, ETag etag)
        => new(TableTransactionActionType.Delete, new TableEntity(partition, row), etag);

    private static TableEntity Found(NullableResponse<TableEntity> response)
        => response.HasValue ? response.Value! : throw new BenchmarkException("A row is missing.");
}
