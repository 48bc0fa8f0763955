using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using System.Text;
using System.Text.RegularExpressions;
using Azure.Core;
using Azure.Data.Tables;

namespace Sessions.Tests;

/// <summary>
/// Fault injection for every operation, with every fault in each of its storage calls and in all of them. The response is correct or a 503
/// with Retry-After, the state afterwards matches the response, and a repeated request succeeds.
/// </summary>
public sealed class FaultMatrixTests(FaultMatrixTests.FaultyServer server, ITestOutputHelper output)
    : IClassFixture<FaultMatrixTests.FaultyServer>
{
    private const string First = """{"participants":[{"participantId":"8f1e0b0a-5c5c-4f6e-9f3f-2f1f6f1d0c11","streamAliases":["first"]}]}""";
    private const string Second = """{"participants":[{"participantId":"8f1e0b0a-5c5c-4f6e-9f3f-2f1f6f1d0c11","streamAliases":["second"]}]}""";

    // Longer than any deadline. A request that takes this long hangs.
    private static readonly TimeSpan Hang = TimeSpan.FromSeconds(60);

    private static readonly ParallelOptions AtOnce = new() { MaxDegreeOfParallelism = 64 };

    private static readonly StorageFault[] Faults = [.. Enum.GetValues<StorageFault>().Where(fault => fault != StorageFault.None)];

    private static readonly Regex Random = new(
        @"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{32}|eyJ[\w.-]+", RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture);

    private static readonly HttpOperation[] All =
    [
        new("Create a session", "POST", "/sessions", NothingAsync, """{"tag":"new"}"""),
        new("Get a session", "GET", "/sessions/S", MemberAsync),
        new("Get a session with credentials that are not remembered", "GET", "/sessions/S", MemberAsync, NewUser: true),
        new("Get a session that is not there", "GET", "/sessions/S", DeletedAsync),
        new("Delete a session", "DELETE", "/sessions/S", MemberAsync),
        new("Delete a session that is not there", "DELETE", "/sessions/S", DeletedAsync),
        new("List participants", "GET", "/sessions/S/participants", MemberAsync),
        new("Create a participant", "POST", "/participants", NothingAsync, """{"tag":"new"}"""),
        new("Get a participant", "GET", "/participants/P", MemberAsync),
        new("Delete a participant", "DELETE", "/participants/P", FreeAsync),
        new("Delete a participant in a session", "DELETE", "/participants/P", MemberAsync),
        new("Delete a participant that is not there", "DELETE", "/participants/P", DeletedAsync),
        new("Join", "PUT", "/sessions/S/participants/P", FreeAsync, Second),
        new("Join with a stale claim", "PUT", "/sessions/S/participants/P", StaleAsync, Second),
        new("Join again", "PUT", "/sessions/S/participants/P", MemberAsync, Second),
        new("Join while in another session", "PUT", "/sessions/S/participants/P", ElsewhereAsync, Second),
        new("Join a full session", "PUT", "/sessions/S/participants/P", FullAsync, Second),
        new("Join a session that is not there", "PUT", "/sessions/S/participants/P", DeletedAsync, Second),
        new("Leave", "DELETE", "/sessions/S/participants/P", MemberAsync),
        new("Leave without having joined", "DELETE", "/sessions/S/participants/P", FreeAsync),
        new("Get subscriptions", "GET", "/sessions/S/participants/P/subscriptions", MemberAsync),
        new("Update subscriptions", "PUT", "/sessions/S/participants/P/subscriptions", MemberAsync, Second),
        new("Join by an update", "PUT", "/sessions/S/participants/P/subscriptions", FreeAsync, Second),
        new("Update while in another session", "PUT", "/sessions/S/participants/P/subscriptions", ElsewhereAsync, Second),
        new("Create a session with a key", "POST", "/sessions", NothingAsync, """{"tag":"new"}""", Header: KeyAsync),
        new("Create a participant with a key", "POST", "/participants", NothingAsync, """{"tag":"new"}""", Header: KeyAsync),
        new("Delete a session under a condition", "DELETE", "/sessions/S", MemberAsync, Header: SessionTagAsync),
        new("Delete a participant under a condition", "DELETE", "/participants/P", FreeAsync, Header: ParticipantTagAsync),
        new("Delete a participant in a session under a condition", "DELETE", "/participants/P", MemberAsync, Header: ParticipantTagAsync),
        new("Join under a condition", "PUT", "/sessions/S/participants/P", FreeAsync, Second, Header: ParticipantTagAsync),
        new("Leave under a condition", "DELETE", "/sessions/S/participants/P", MemberAsync, Header: ParticipantTagAsync),
        new("Leave under a condition that does not hold", "DELETE", "/sessions/S/participants/P", MemberAsync, Header: SessionTagAsync),
        new("Update subscriptions under a condition", "PUT", "/sessions/S/participants/P/subscriptions", MemberAsync, Second, Header: ParticipantTagAsync),
    ];

    [Fact]
    public async Task Every_operation_handles_every_fault_in_one_storage_call_or_in_all_of_them()
    {
        // The credential stays in the cache. A request that looked it up again would share its faults with the others.
        server.Time.Stop();
        var account = await server.NewAccountAsync();
        var cases = new ConcurrentBag<Case>();
        await Parallel.ForEachAsync(All, AtOnce, async (operation, _) =>
        {
            var right = await RunAsync(account, operation, StorageFault.None, at: null);
            Assert.True((int)right.Answer.Status < 500, right.Answer.Body);
            foreach (var fault in Faults)
            {
                for (var call = -1; call < right.Calls; call++)
                    cases.Add(new(operation, right, fault, call < 0 ? null : call));
            }
        });

        var (unavailable, unavailableUnsent) = (0, 0);
        var mistakes = new ConcurrentBag<string>();
        await Parallel.ForEachAsync(cases, AtOnce, async (@case, _) =>
        {
            var run = await RunAsync(account, @case.Operation, @case.Fault, @case.At);
            if (run.Answer.Status == HttpStatusCode.ServiceUnavailable)
            {
                Interlocked.Increment(ref unavailable);
                if (@case is { Fault: StorageFault.Refused, At: not null })
                    Interlocked.Increment(ref unavailableUnsent);
            }

            if (!IsRight(@case, run))
                mistakes.Add($"{@case.Operation.Name}, {@case.Fault} in {(@case.At is { } at ? $"call {at}" : "every call")}: {run}\nWithout the fault: {@case.Right}");
        });

        output.WriteLine($"{cases.Count} requests with faults, {unavailable} of them answered 503.");
        Assert.True(mistakes.IsEmpty, string.Join("\n\n", mistakes.Take(20)));

        // A call that was not sent is sent again, and the request also recovers from most other faults of a single call.
        Assert.Equal(0, unavailableUnsent);
        Assert.InRange(unavailable, 1, cases.Count / 2);
    }

    private static bool IsRight(Case @case, Run run)
    {
        var (operation, right) = (@case.Operation, @case.Right);
        var isDone = run.After == right.After;
        var isAnswered = run.Answer.Status == HttpStatusCode.ServiceUnavailable
            ? run.Answer.Json.GetProperty("code").GetInt32() == 503 && run.Answer.Headers.RetryAfter is not null && (isDone || run.After == right.Before)
            : run.Text == right.Text && isDone;
        var isRepeated = run.RepeatedText == right.Text || run.RepeatedText == right.RepeatedText
            || (operation.Method == "DELETE" && isDone && run.RepeatedText.StartsWith("404", StringComparison.Ordinal));
        return run.Before == right.Before && isAnswered && isRepeated && run.AfterRepetition == right.After;
    }

    private async Task<Run> RunAsync(Account account, HttpOperation operation, StorageFault fault, int? at)
    {
        var (session, participant) = await operation.Arrange(account);
        var before = await ViewAsync(account, session, participant);
        var user = Account.Writer;
        if (operation.NewUser)
            await account.AddUserAsync(user = session, Server.Secret, Security.Access.Write);

        (string, string)[] headers = operation.Header is null ? [] : [await operation.Header(account, session, participant)];
        var (answer, calls) = await SendAsync(account, user, operation, session, participant, headers, new(fault, at));
        await server.Faults.LateOnesAsync();
        var after = await ViewAsync(account, session, participant);
        var (repeated, _) = await SendAsync(account, user, operation, session, participant, headers, new(StorageFault.None, null));
        return new(
            answer, calls, before, Text(answer), after, Text(repeated), await ViewAsync(account, session, participant));

        string Text(Answer answer) => $"{(int)answer.Status} {Anonymous(answer.Body, session, participant)}";
    }

    /// <summary>Sends the request in its own trace, by which the transport identifies the request's storage calls.</summary>
    private async Task<(Answer Answer, int Calls)> SendAsync(
        Account account, string user, HttpOperation operation, string session, string participant, (string, string)[] headers, Plan plan)
    {
        using var activity = new Activity(operation.Name).Start();
        server.Plans[activity.TraceId] = plan;

        // Each request has a different caller, because many new users from one caller at once would count as guessing.
        var caller = ("X-Forwarded-For", $"{new IPAddress(System.Random.Shared.Next())}");
        var path = operation.Path.Replace("S", session, StringComparison.Ordinal).Replace("P", participant, StringComparison.Ordinal);
        var answer = await account.SendAsync(
                new(operation.Method), path, operation.Body, authorization: Account.Basic(user, Server.Secret), headers: [.. headers, caller])
            .WaitAsync(Hang);
        return (answer, plan.Calls);
    }

    /// <summary>Everything that can be read about a session and a participant.</summary>
    private static async Task<string> ViewAsync(Account account, string session, string participant)
    {
        var view = new StringBuilder();
        foreach (var path in new[]
        {
            $"/sessions/{session}", $"/sessions/{session}/participants", $"/participants/{participant}",
            $"/sessions/{session}/participants/{participant}/subscriptions",
        })
        {
            var answer = await account.GetAsync(path);
            view.AppendLine().Append((int)answer.Status).Append(' ').Append(Anonymous(answer.Body, session, participant));
        }

        return view.ToString();
    }

    /// <summary>The text without the parts that differ between runs.</summary>
    private static string Anonymous(string text, string session, string participant)
        => Random.Replace(text.Replace(session, "S", StringComparison.Ordinal).Replace(participant, "P", StringComparison.Ordinal), "*");

    private static Task<(string Session, string Participant)> NothingAsync(Account account)
        => Task.FromResult(($"{Guid.NewGuid()}", $"{Guid.NewGuid()}"));

    private static Task<(string Session, string Participant)> MemberAsync(Account account) => account.CreateMemberAsync(First);

    private static async Task<(string Session, string Participant)> FreeAsync(Account account)
        => (await account.CreateSessionAsync(), await account.CreateParticipantAsync());

    private static async Task<(string Session, string Participant)> StaleAsync(Account account)
    {
        var (deleted, participant) = await account.CreateMemberAsync();
        await account.DeleteAsync($"/sessions/{deleted}");
        return (await account.CreateSessionAsync(), participant);
    }

    private static async Task<(string Session, string Participant)> ElsewhereAsync(Account account)
    {
        var (_, participant) = await account.CreateMemberAsync();
        return (await account.CreateSessionAsync(), participant);
    }

    private static async Task<(string Session, string Participant)> FullAsync(Account account)
    {
        var (session, _) = await account.CreateMemberAsync();
        return (session, await account.CreateParticipantAsync());
    }

    private static async Task<(string Session, string Participant)> DeletedAsync(Account account)
    {
        var (session, participant) = await account.CreateMemberAsync();
        await account.DeleteAsync($"/participants/{participant}");
        await account.DeleteAsync($"/sessions/{session}");
        return (session, participant);
    }

    private static Task<(string, string)> KeyAsync(Account account, string session, string participant)
        => Task.FromResult(("Idempotency-Key", session));

    private static Task<(string, string)> SessionTagAsync(Account account, string session, string participant)
        => IfMatchAsync(account, $"/sessions/{session}");

    private static Task<(string, string)> ParticipantTagAsync(Account account, string session, string participant)
        => IfMatchAsync(account, $"/participants/{participant}");

    private static async Task<(string, string)> IfMatchAsync(Account account, string path)
        => ("If-Match", (await account.GetAsync(path)).Headers.ETag!.ToString());

    private sealed record HttpOperation(
        string Name,
        string Method,
        string Path,
        Func<Account, Task<(string Session, string Participant)>> Arrange,
        string? Body = null,
        bool NewUser = false,
        Func<Account, string, string, Task<(string Name, string Value)>>? Header = null);

    /// <summary>
    /// A fault in the call number <paramref name="At"/> of an operation, or in every call if it is null. <paramref name="Right"/> is the
    /// run without a fault.
    /// </summary>
    private sealed record Case(HttpOperation Operation, Run Right, StorageFault Fault, int? At);

    private sealed record Run(Answer Answer, int Calls, string Before, string Text, string After, string RepeatedText, string AfterRepetition)
    {
        public override string ToString() => $"{Text}, then{After}\nrepeated: {RepeatedText}, then{AfterRepetition}";
    }

    /// <summary>A fault in one of a request's storage calls, or in all of them.</summary>
    public sealed class Plan(StorageFault fault, int? at)
    {
        private int _calls;

        public int Calls => _calls;

        public StorageFault Next()
        {
            var call = Interlocked.Increment(ref _calls) - 1;
            return at is null || at == call ? fault : StorageFault.None;
        }
    }

    /// <summary>A server with a session that has room for one participant.</summary>
    public sealed class FaultyServer(AzuriteFixture azurite) : Server(azurite)
    {
        private static readonly TimeSpan Patience = TimeSpan.FromMilliseconds(500);

        public ConcurrentDictionary<ActivityTraceId, Plan> Plans { get; } = new();

        protected override IEnumerable<string> Settings =>
            ["--Sessions:ParticipantsPerSession=1", "--Sessions:TrustedProxies=2", "--Logging:LogLevel:Sessions=Error"];

        protected override void Configure(TableClientOptions options)
            => options.AddPolicy(new FaultPolicy(_ => Fault(), Patience), HttpPipelinePosition.PerRetry);

        /// <summary>Takes the fault of a call from the plan of its request.</summary>
        private StorageFault Fault() => Activity.Current is { } activity && Plans.TryGetValue(activity.TraceId, out var plan) ? plan.Next() : StorageFault.None;
    }
}
