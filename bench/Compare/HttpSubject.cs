using System.Net;
using System.Text.Json;
using Sessions.Bench;

namespace Sessions.Compare;

/// <summary>A server of the API.</summary>
internal sealed class HttpSubject : Subject
{
    private readonly HttpLoad _load;
    private readonly Uri _base;
    private readonly Member[] _members;

    private HttpSubject(string name, RunningProgram program, HttpLoad load, Uri baseUrl, Member[] members, StoredRows rows)
        : base(name, program, rows)
    {
        _load = load;
        _base = baseUrl;
        _members = members;
    }

    /// <summary>Creates sessions of three members each.</summary>
    public static async Task<HttpSubject> PrepareAsync(
        string name, RunningProgram program, HttpLoad load, Uri url, string account, int sessions, string connectionString)
    {
        var baseUrl = new Uri(url, $"/v1/accounts/{account}/");
        var api = new Api(load, baseUrl);
        var members = await Task.WhenAll(Enumerable.Range(0, sessions).Select(async _ =>
        {
            var session = await api.CreateSessionAsync(recorder: null);
            string[] participants =
            [
                await api.CreateParticipantAsync(recorder: null),
                await api.CreateParticipantAsync(recorder: null),
                await api.CreateParticipantAsync(recorder: null),
            ];
            foreach (var participant in participants)
                await api.AddAsync(recorder: null, session, participant);
            return participants.Select((participant, index) => new Member(
                api.Session(session),
                api.Subscriptions(session, participant),
                Samples.TwoStreams(session, participants[(index + 1) % participants.Length]))).ToArray();
        }));

        // The members of different sessions alternate, so that neighbors belong to different sessions.
        Member[] all = [.. from index in Enumerable.Range(0, 3) from session in members select session[index]];
        return new(name, program, load, baseUrl, all, await StoredRows.ReadAsync(connectionString));
    }

    public override async Task<LoadSummary> LoadAsync(string operation, int connections, TimeSpan duration)
    {
        var api = new Api(_load, _base);
        var next = Enumerable.Range(0, connections).ToArray();
        Func<int, CallRecorder, Task> unit = operation switch
        {
            Operations.GetSession => (loop, recorder) => _load.SendAsync(recorder, HttpMethod.Get, Next(loop).Session, HttpStatusCode.OK),
            Operations.GetParticipantSubscriptions => (loop, recorder)
                => _load.SendAsync(recorder, HttpMethod.Get, Next(loop).Subscriptions, HttpStatusCode.OK),
            Operations.CreateSession => (_, recorder)
                => _load.SendAsync(recorder, HttpMethod.Post, api.Sessions, HttpStatusCode.OK, Samples.Session),
            Operations.UpdateParticipantSubscriptions => UpdateAsync,
            _ => (_, recorder) => api.CallAsync(recorder),
        };
        return (await ClosedLoop.RunAsync(connections, duration, () => Program.CpuTime, unit)).Summarize();

        Task UpdateAsync(int loop, CallRecorder recorder)
        {
            var member = Next(loop);
            return _load.SendAsync(recorder, HttpMethod.Put, member.Subscriptions, HttpStatusCode.NoContent, member.Update);
        }

        // Each loop iterates over the members separately, so two loops rarely use the same member at the same time.
        Member Next(int loop)
        {
            var member = _members[next[loop] % _members.Length];
            next[loop] += connections;
            return member;
        }
    }

    public override async ValueTask DisposeAsync()
    {
        _load.Dispose();
        await base.DisposeAsync();
    }

    /// <summary>The URLs and the body of requests for a prepared member, which are created in advance.</summary>
    private sealed record Member(Uri Session, Uri Subscriptions, byte[] Update);

    /// <summary>The requests of a call.</summary>
    private sealed class Api(HttpLoad load, Uri baseUrl)
    {
        public Uri Sessions { get; } = new(baseUrl, "sessions");

        private Uri Participants { get; } = new(baseUrl, "participants");

        public Uri Session(string session) => new(baseUrl, $"sessions/{session}");

        public Uri Subscriptions(string session, string participant)
            => new(baseUrl, $"sessions/{session}/participants/{participant}/subscriptions");

        public async Task<string> CreateSessionAsync(CallRecorder? recorder)
        {
            using var answer = JsonDocument.Parse(
                await load.SendAsync(recorder, HttpMethod.Post, Sessions, HttpStatusCode.OK, Samples.Session));
            return answer.RootElement.GetProperty("id").GetString()!;
        }

        public async Task<string> CreateParticipantAsync(CallRecorder? recorder)
        {
            using var answer = JsonDocument.Parse(
                await load.SendAsync(recorder, HttpMethod.Post, Participants, HttpStatusCode.OK, Samples.Participant));
            return answer.RootElement.GetProperty("participant").GetProperty("id").GetString()!;
        }

        public Task<byte[]> AddAsync(CallRecorder? recorder, string session, string participant)
            => load.SendAsync(recorder, HttpMethod.Put, Joined(session, participant), HttpStatusCode.NoContent, Samples.WholeSession(session));

        public async Task CallAsync(CallRecorder recorder)
        {
            var session = await CreateSessionAsync(recorder);
            string[] members =
                [await CreateParticipantAsync(recorder), await CreateParticipantAsync(recorder), await CreateParticipantAsync(recorder)];
            foreach (var member in members)
                await AddAsync(recorder, session, member);
            foreach (var member in members.Take(2))
                await PutAsync(Subscriptions(session, member), Samples.TwoStreams(session, members[2]));
            await GetAsync(Session(session));
            await GetAsync(new(baseUrl, $"sessions/{session}/participants"));
            foreach (var member in members)
                await GetAsync(Subscriptions(session, member));
            await GetAsync(Participant(members[0]));
            foreach (var member in members)
                await DeleteAsync(Joined(session, member));
            foreach (var member in members)
                await DeleteAsync(Participant(member));
            await DeleteAsync(Session(session));

            Task GetAsync(Uri uri) => load.SendAsync(recorder, HttpMethod.Get, uri, HttpStatusCode.OK);
            Task PutAsync(Uri uri, byte[] body) => load.SendAsync(recorder, HttpMethod.Put, uri, HttpStatusCode.NoContent, body);
            Task DeleteAsync(Uri uri) => load.SendAsync(recorder, HttpMethod.Delete, uri, HttpStatusCode.NoContent);
        }

        private Uri Participant(string participant) => new(baseUrl, $"participants/{participant}");

        private Uri Joined(string session, string participant) => new(baseUrl, $"sessions/{session}/participants/{participant}");
    }
}
