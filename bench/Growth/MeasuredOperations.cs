using System.Net;
using System.Text;
using System.Text.Json;
using Azure.Data.Tables;
using Sessions.Bench;
using Sessions.Model;
using Sessions.Storage;

namespace Sessions.Growth;

/// <summary>The cost of an operation. A value that was not measured is null.</summary>
internal sealed record Cost(
    string Operation, double Milliseconds, double? TimesBare, double? CpuMicroseconds, double? StorageCalls, double? StorageBytes)
{
    /// <summary>The values in the order of the report's measures.</summary>
    public IReadOnlyList<double?> Values => [Milliseconds, TimesBare, CpuMicroseconds, StorageCalls, StorageBytes];
}

/// <summary>Calls every operation of a server repeatedly and in sequence, and the bare table client for comparison.</summary>
internal sealed class MeasuredOperations(HttpLoad http, Uri url, Tables tables, Func<Usage> usage)
{
    private const string Insert = "bare insert";
    private const string Read = "bare point read";
    private const string Query = "bare query of the session";

    private readonly List<Cost> _costs = [];

    /// <summary>The partition of a session.</summary>
    public static string Partition(string sessionId) => Keys.Partition(AccountId.Parse(MeasuredAccount.Id), new SessionId(Guid.Parse(sessionId)));

    /// <summary>The URL of a path below the account.</summary>
    public static Uri At(Uri url, string path) => new(url, $"/v1/accounts/{MeasuredAccount.Id}{path}");

    /// <summary>Creates a session or a participant.</summary>
    /// <returns>Its id.</returns>
    public static async Task<string> CreateAsync(HttpLoad http, Uri url, string path, CallRecorder? recorder = null)
    {
        var body = path == "/sessions" ? """{"tag":"call"}"""u8 : """{"publishPermissions":["AUDIO","VIDEO"]}"""u8;
        using var answer = JsonDocument.Parse(await http.SendAsync(recorder, HttpMethod.Post, At(url, path), HttpStatusCode.OK, body.ToArray()));
        var made = answer.RootElement.TryGetProperty("participant", out var participant) ? participant : answer.RootElement;
        return made.GetProperty("id").GetString()!;
    }

    /// <summary>Measures the cost of every operation with this number of calls, on sessions with this number of participants.</summary>
    public async Task<IReadOnlyList<Cost>> MeasureAsync(int calls, int participants)
    {
        // This call makes the server cache the credential for a minute.
        await http.SendAsync(null, HttpMethod.Get, At(url, $"/sessions/{Guid.Empty}"), HttpStatusCode.NotFound);

        var sessions = new string[calls];
        var members = Enumerable.Range(0, calls).Select(_ => new string[participants]).ToArray();
        string Member(int i, int number) => $"/sessions/{sessions[i]}/participants/{members[i][number]}";

        await RepeatAsync(Insert, null, calls, (_, recorder) => InsertAsync(recorder));
        await RepeatAsync("createSession", Insert, calls, async (i, recorder) => sessions[i] = await CreateAsync(http, url, "/sessions", recorder));
        await RepeatAsync("createParticipant", Insert, calls, async (i, recorder) => members[i][0] = await CreateAsync(http, url, "/participants", recorder));
        await Parallel.ForEachAsync(Enumerable.Range(0, calls), async (i, _) =>
        {
            for (var number = 1; number < participants; number++)
            {
                members[i][number] = await CreateAsync(http, url, "/participants");
                await PutAsync(null, i, number, "");
            }
        });
        await http.SendAsync(null, HttpMethod.Get, At(url, $"/sessions/{Guid.Empty}"), HttpStatusCode.NotFound);

        await RepeatAsync(Query, null, calls, QueryAsync);
        await RepeatAsync(Read, null, calls, (i, recorder) => recorder.RecordAsync(
            async () => (await tables.Sessions.GetEntityIfExistsAsync<TableEntity>(Partition(sessions[i]), Keys.Header)).HasValue));
        await RepeatAsync("addParticipantToSession", Query, calls, (i, recorder) => PutAsync(recorder, i, 0, ""));
        await RepeatAsync("updateParticipantSubscriptions", Read, calls, (i, recorder) => PutAsync(recorder, i, 0, "/subscriptions"));
        await RepeatAsync("getSession", Read, calls, (i, recorder) => GetAsync(recorder, $"/sessions/{sessions[i]}"));
        await RepeatAsync("getParticipant", Read, calls, (i, recorder) => GetAsync(recorder, $"/participants/{members[i][0]}"));
        await RepeatAsync("getParticipantSubscriptions", Read, calls, (i, recorder) => GetAsync(recorder, $"{Member(i, 0)}/subscriptions"));
        await RepeatAsync("listSessionParticipants", Query, calls, (i, recorder) => GetAsync(recorder, $"/sessions/{sessions[i]}/participants"));
        await RepeatAsync("removeParticipantFromSession", Query, calls, (i, recorder) => DeleteAsync(recorder, Member(i, 0)));
        await RepeatAsync("deleteParticipant", Query, calls, (i, recorder) => DeleteAsync(recorder, $"/participants/{members[i][1]}"));
        await RepeatAsync("deleteSession", Query, calls, (i, recorder) => DeleteAsync(recorder, $"/sessions/{sessions[i]}"));
        return _costs;

        async Task QueryAsync(int i, CallRecorder recorder)
            => await recorder.RecordAsync(async () =>
            {
                var partition = Partition(sessions[i]);
                return await tables.Sessions.QueryAsync<TableEntity>(TableClient.CreateQueryFilter($"PartitionKey eq {partition}")).CountAsync();
            });

        Task<byte[]> PutAsync(CallRecorder? recorder, int i, int number, string below)
            => http.SendAsync(
                recorder,
                HttpMethod.Put,
                At(url, Member(i, number) + below),
                HttpStatusCode.NoContent,
                Encoding.UTF8.GetBytes($$"""{"sessionId":"{{sessions[i]}}"}"""));
    }

    private Task<byte[]> GetAsync(CallRecorder recorder, string path) => http.SendAsync(recorder, HttpMethod.Get, At(url, path), HttpStatusCode.OK);

    private Task<byte[]> DeleteAsync(CallRecorder recorder, string path)
        => http.SendAsync(recorder, HttpMethod.Delete, At(url, path), HttpStatusCode.NoContent);

    private async Task InsertAsync(CallRecorder recorder)
    {
        var row = new TableEntity(Partition(Guid.NewGuid().ToString()), Keys.Header) { ["Tag"] = "call" };
        await recorder.RecordAsync(() => tables.Sessions.AddEntityAsync(row));
        await tables.Sessions.DeleteEntityAsync(row.PartitionKey, row.RowKey);
    }

    /// <summary>Measures repeated calls of an operation, and compares them with its bare call.</summary>
    private async Task RepeatAsync(string operation, string? bare, int calls, Func<int, CallRecorder, Task> call)
    {
        var recorder = new CallRecorder(long.MaxValue);
        var before = usage();
        for (var i = 0; i < calls; i++)
            await call(i, recorder);
        var after = usage();

        var milliseconds = new Latencies([.. recorder.Ticks]).Percentile(0.5);
        _costs.Add(bare is null
            ? new(operation, milliseconds, null, null, null, null)
            : new(
                operation,
                milliseconds,
                milliseconds / _costs.Single(cost => cost.Operation == bare).Milliseconds,
                (after.CpuTime - before.CpuTime).TotalMicroseconds / calls,
                (after.StorageCalls - before.StorageCalls) / (double)calls,
                (after.StorageBytes - before.StorageBytes) / (double)calls));
    }
}
