using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using Azure.Core;
using Azure.Data.Tables;
using PuppeteerSharp;
using Sessions.LocalHost;
using Sessions.Storage;

namespace Sessions.Tests;

/// <summary>These tests run when no others do.</summary>
[CollectionDefinition(nameof(Alone), DisableParallelization = true)]
public sealed class Alone;

/// <summary>
/// Many clients run concurrently, while storage calls fail in every way, and while Azurite itself is suspended, stopped and restarted.
/// LOAD_SECONDS sets the duration. LOAD_SEED repeats the clients' choices, but not their interleaving. For example, <c>LOAD_SECONDS=300
/// dotnet run --project tests -- -class Sessions.Tests.LoadTests -showLiveOutput</c>.
/// </summary>
[Collection(nameof(Alone))]
public sealed class LoadTests(AzuriteFixture azurite, ITestOutputHelper output)
{
    private const int Clients = 40;
    private const int Sessions = 8;
    private const int Participants = 200;
    private const int ParticipantsPerSession = 20;
    private const double FaultRate = 0.03;

    // A busy machine continues until each kind of request has succeeded.
    private const int MostLonger = 4;

    private static readonly TimeSpan RequestTimeout = TimeSpan.FromSeconds(8);

    // For a busy machine.
    private static readonly TimeSpan Margin = TimeSpan.FromSeconds(30);

    private static readonly StorageFault[] Faults = [.. Enum.GetValues<StorageFault>().Where(fault => fault != StorageFault.None)];

    private readonly TimeSpan _duration = TimeSpan.FromSeconds(Setting("LOAD_SECONDS", 10));
    private readonly int _seed = Setting("LOAD_SEED", Random.Shared.Next());

    private readonly ConcurrentDictionary<StorageFault, int> _faults = new();
    private readonly ConcurrentBag<string> _mistakes = [];

    // The subscriptions of a random participant in a random session are not always found, because it is rarely a member.
    private readonly ConcurrentDictionary<LoadAction, bool> _yetToSucceed = new(Enum.GetValues<LoadAction>()
        .Except([LoadAction.CreateRefused, LoadAction.GetSubscriptions]).Select(action => KeyValuePair.Create(action, true)));
    private readonly ConcurrentDictionary<string, bool> _sessions = new();
    private readonly ConcurrentDictionary<string, bool> _participants = new();
    private readonly ConcurrentQueue<(string? Session, string? Participant)> _gone = new();
    private volatile bool _ending;
    private int _marks;

    [Fact]
    public async Task Every_acknowledged_change_is_stored_and_no_rejected_change_is()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Windows has no signals: storage is suspended with kill -STOP.");
        output.WriteLine($"LOAD_SECONDS={_duration.TotalSeconds} LOAD_SEED={_seed}");

        // The exceptions that other tests did not observe are reported now.
        GC.Collect();
        GC.WaitForPendingFinalizers();
        TaskScheduler.UnobservedTaskException += Unobserved;
        var folder = Directory.CreateTempSubdirectory("sessions-").FullName;
        var port = FindPort();
        var storage = await Azurite.StartAsync(LocalStorage.AzuriteFolder, folder, port);
        await using var server = new LoadServer(azurite, storage.ConnectionString());
        await server.InitializeAsync();
        var account = await server.NewWarmAccountAsync();

        var before = GC.GetTotalMemory(forceFullCollection: true);
        storage = await RunWithFaultsAsync(server, account, storage, folder, port);
        GC.Collect();
        GC.WaitForPendingFinalizers();
        var after = GC.GetTotalMemory(forceFullCollection: true);
        output.WriteLine($"Memory: {before / 1024:N0} KiB before, {after / 1024:N0} KiB after.");

        await storage.DisposeAsync();
        TaskScheduler.UnobservedTaskException -= Unobserved;
        Assert.True(_mistakes.IsEmpty, string.Join("\n", _mistakes.Take(20)));
        Assert.InRange(after, 0, (2 * before) + (32 * 1024 * 1024));

        void Unobserved(object? sender, UnobservedTaskExceptionEventArgs args)
        {
            // The browser tests of the same process leave a task of PuppeteerSharp behind for each redirect.
            if (args.Exception.InnerException is not PuppeteerException)
                _mistakes.Add($"Unobserved: {args.Exception}");
        }
    }

    /// <summary>Runs the load, and all checks that need its history.</summary>
    private async Task<Azurite> RunWithFaultsAsync(LoadServer server, Account account, Azurite storage, string folder, int port)
    {
        var history = new LoadHistory();
        var random = new Random(_seed);
        server.Faults.Choose = request =>
        {
            if (_ending && request.Method != RequestMethod.Get)
                return StorageFault.Refused;

            StorageFault fault;
            lock (random)
                fault = random.NextDouble() < FaultRate ? Faults[random.Next(Faults.Length)] : StorageFault.None;
            _faults.AddOrUpdate(fault, 1, (_, count) => count + 1);
            return fault;
        };
        var load = RunAsync(account, history);
        (storage, var outages) = await FailAsync(storage, folder, port, load);
        await load;

        server.Faults.Choose = _ => StorageFault.None;
        await server.Faults.LateOnesAsync();
        await Task.Delay(LoadServer.Patience + LoadServer.Patience); // Requests whose clients did not wait.
        foreach (var mistake in history.Mistakes(await ReadRowsAsync(server, account), ParticipantsPerSession))
            _mistakes.Add(mistake);
        foreach (var mistake in await ReadMistakesAsync(account, history))
            _mistakes.Add(mistake);

        var waits = history.Requests.Select(request => request.End - request.Start).Order().ToArray();
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"""
            {history.Requests.Count} requests, {outages}
            Answers: {Count(history.Requests.GroupBy(request => request.Status == 0 ? "not waited for" : $"{request.Status}"))}
            Requests: {Count(history.Requests.GroupBy(request => $"{request.Action}"))}
            Longest: {new TimeSpan(waits[^1])}; calls to storage by fault: {string.Join(", ", _faults.OrderBy(fault => fault.Key).Select(fault => $"{fault.Key} {fault.Value}"))}
            """));
        foreach (var action in _yetToSucceed.Keys)
            _mistakes.Add($"No {action} of {history.Requests.Count(request => request.Action == action)} succeeded.");

        var settled = history.Requests.Count(request => request.Status is >= 200 and < 500);
        if (settled < history.Requests.Count / 10)
            _mistakes.Add($"Only {settled} of {history.Requests.Count} requests got an answer other than a 503.");
        history.Clear(); // From here on, the server's memory is measured.
        return storage;

        static string Count(IEnumerable<IGrouping<string, LoadRequest>> groups)
            => string.Join(", ", groups.OrderBy(group => group.Key, StringComparer.Ordinal).Select(group => $"{group.Key}: {group.Count()}"));
    }

    /// <summary>Alternately suspends storage and restarts it, until the load ends.</summary>
    private async Task<(Azurite Storage, string Outages)> FailAsync(Azurite storage, string folder, int port, Task load)
    {
        var random = new Random(_seed);
        var (suspended, ended) = (0, 0);
        while (await Task.WhenAny(load, Task.Delay(random.Next(2000, 4000))) != load)
        {
            // While storage is suspended, requests wait in the sockets' buffers, and are applied after their senders have given up.
            if ((suspended + ended) % 2 == 0)
            {
                suspended++;
                await SignalAsync(storage, "STOP");
                await Task.Delay(random.Next(1000, 4000));
                await SignalAsync(storage, "CONT");
            }
            else
            {
                // Azurite saves every few seconds and at a regular shutdown. If it were killed, it would lose acknowledged writes, which
                // real storage does not do. Writes that it acknowledges while it saves would also be lost.
                ended++;
                _ending = true;
                await Task.Delay(1000);
                await storage.DisposeAsync();
                _ending = false;
                await Task.Delay(random.Next(3000));
                storage = await Azurite.StartAsync(LocalStorage.AzuriteFolder, folder, port);
            }
        }

        return (storage, $"storage suspended {suspended} times, ended and started again {ended} times.");
    }

    private async Task RunAsync(Account account, LoadHistory history)
    {
        var clock = Stopwatch.StartNew();
        await Task.WhenAll(Enumerable.Range(0, Clients).Select(async client =>
        {
            var random = new Random(_seed + client);
            while (clock.Elapsed < _duration || (!_yetToSucceed.IsEmpty && clock.Elapsed < MostLonger * _duration))
                await ActAsync(account, random, clock, history);
        }));
    }

    private async Task ActAsync(Account account, Random random, Stopwatch clock, LoadHistory history)
    {
        var (session, participant) = (Pick(_sessions, random), Pick(_participants, random));
        if (random.Next(20) == 0 && _gone.TryDequeue(out var gone))
            (session, participant) = (gone.Session ?? session, gone.Participant ?? participant);

        var action = Choose(random, session, participant);
        if (action == LoadAction.DeleteSession)
            _sessions.TryRemove(session, out _);
        if (action == LoadAction.DeleteParticipant)
            _participants.TryRemove(participant, out _);

        var mark = random.Next(5) == 0 ? null : $"{action}-{Interlocked.Increment(ref _marks)}";
        var start = clock.Elapsed.Ticks;
        var answer = await SendAsync(account, random, action, session, participant, mark);
        var end = clock.Elapsed.Ticks;
        if (new TimeSpan(end - start) > RequestTimeout + Margin || !IsInForm(answer))
            _mistakes.Add($"{action} after {new TimeSpan(end - start)}: {answer?.Status} {answer?.Body}");

        if (action == LoadAction.CreateSession && answer is { Status: HttpStatusCode.OK })
            _sessions[session = answer.Json.GetProperty("id").GetString()!] = true;
        if (action == LoadAction.CreateParticipant && answer is { Status: HttpStatusCode.OK })
            _participants[participant = answer.Json.GetProperty("participant").GetProperty("id").GetString()!] = true;
        if (action == LoadAction.DeleteSession)
            _gone.Enqueue((session, null));
        if (action == LoadAction.DeleteParticipant)
            _gone.Enqueue((null, participant));

        if (answer is { Status: HttpStatusCode.OK or HttpStatusCode.NoContent })
            _yetToSucceed.TryRemove(action, out _);
        history.Add(new(
            action,
            action is LoadAction.CreateParticipant or LoadAction.CreateRefused or LoadAction.GetParticipant or LoadAction.DeleteParticipant ? "" : session,
            action is LoadAction.CreateSession or LoadAction.CreateRefused or LoadAction.GetSession or LoadAction.List or LoadAction.DeleteSession ? "" : participant,
            action is LoadAction.Join or LoadAction.Update ? mark : null,
            start,
            end,
            answer is null ? 0 : (int)answer.Status,
            answer is { Status: >= HttpStatusCode.BadRequest } ? ErrorOf(answer) : null));
    }

    private LoadAction Choose(Random random, string session, string participant) => random.Next(100) switch
    {
        _ when session.Length == 0 || _sessions.Count < Sessions => LoadAction.CreateSession,
        _ when participant.Length == 0 || _participants.Count < Participants => LoadAction.CreateParticipant,
        < 2 => LoadAction.CreateSession,
        < 4 => LoadAction.CreateRefused,
        < 7 => LoadAction.DeleteSession,
        < 15 => LoadAction.DeleteParticipant,
        < 45 => LoadAction.Join,
        < 60 => LoadAction.Leave,
        < 75 => LoadAction.Update,
        < 80 => LoadAction.GetSession,
        < 87 => LoadAction.GetParticipant,
        < 95 => LoadAction.GetSubscriptions,
        _ => LoadAction.List,
    };

    /// <summary>The response, or null if the client did not wait for it, as some clients do.</summary>
    private async Task<Answer?> SendAsync(
        Account account, Random random, LoadAction action, string session, string participant, string? mark)
    {
        var tag = $$"""{"tag":"{{mark ?? "none"}}"}""";
        var refused = $$"""{"tag":"{{LoadHistory.RefusedMark}}{{new string('-', 50)}}"}""";
        var subscriptions = mark is null ? null : $$"""{"participants":[{"participantId":"{{Guid.Empty}}","streamAliases":["{{mark}}"]}]}""";
        var membership = $"/sessions/{session}/participants/{participant}";
        var (method, path, body) = action switch
        {
            LoadAction.CreateSession => (HttpMethod.Post, "/sessions", tag),
            LoadAction.CreateRefused => (HttpMethod.Post, random.Next(2) == 0 ? "/sessions" : "/participants", refused),
            LoadAction.GetSession => (HttpMethod.Get, $"/sessions/{session}", null),
            LoadAction.List => (HttpMethod.Get, $"/sessions/{session}/participants", null),
            LoadAction.DeleteSession => (HttpMethod.Delete, $"/sessions/{session}", null),
            LoadAction.CreateParticipant => (HttpMethod.Post, "/participants", tag),
            LoadAction.GetParticipant => (HttpMethod.Get, $"/participants/{participant}", null),
            LoadAction.DeleteParticipant => (HttpMethod.Delete, $"/participants/{participant}", null),
            LoadAction.Join => (HttpMethod.Put, membership, subscriptions),
            LoadAction.Leave => (HttpMethod.Delete, membership, null),
            LoadAction.Update => (HttpMethod.Put, $"{membership}/subscriptions", subscriptions),
            LoadAction.GetSubscriptions => (HttpMethod.Get, $"{membership}/subscriptions", (string?)null),
            _ => throw new UnreachableException(),
        };

        var leaves = random.Next(33) == 0;
        using var patience = new CancellationTokenSource(leaves ? TimeSpan.FromMilliseconds(random.Next(1, 200)) : RequestTimeout + Margin);
        try
        {
            return await account.SendAsync(method, path, body, cancellation: patience.Token);
        }
        catch (Exception exception) when (exception is OperationCanceledException or HttpRequestException)
        {
            if (!leaves)
                _mistakes.Add($"{method} {path}: {exception}");
            return null;
        }
    }

    private static bool IsInForm(Answer? answer) => answer is null || (answer.Status switch
    {
        HttpStatusCode.NoContent => answer.Body.Length == 0,
        HttpStatusCode.OK => answer.Json.ValueKind is JsonValueKind.Object or JsonValueKind.Array,
        HttpStatusCode.BadRequest or HttpStatusCode.NotFound or HttpStatusCode.Conflict => ErrorOf(answer) is not null,
        HttpStatusCode.ServiceUnavailable => ErrorOf(answer) is not null && answer.Headers.RetryAfter is not null,
        _ => false,
    });

    private static string? ErrorOf(Answer answer) => answer.Json.GetProperty("error").GetString();

    /// <summary>The responses of the API for all deleted resources, after the load.</summary>
    private static async Task<IEnumerable<string>> ReadMistakesAsync(Account account, LoadHistory history)
    {
        var mistakes = new ConcurrentBag<string>();
        var deleted = history.Requests.Where(request => request is { IsDone: true, Action: LoadAction.DeleteSession or LoadAction.DeleteParticipant });
        await Parallel.ForEachAsync(deleted, async (request, _) =>
        {
            var path = request.Action == LoadAction.DeleteSession ? $"/sessions/{request.Session}" : $"/participants/{request.Participant}";
            if ((await account.GetAsync(path)).Status != HttpStatusCode.NotFound)
                mistakes.Add($"Answered after its deletion: {path}");
        });
        return mistakes;
    }

    private static async Task<LoadRows> ReadRowsAsync(LoadServer server, Account account)
    {
        HashSet<string> sessions = [];
        Dictionary<string, string> claims = [];
        List<(string, string, string?)> members = [];
        List<string> tags = [];
        // Excludes the index of expiries, whose keys begin with a colon.
        const string OfAccounts = "PartitionKey gt ';'";
        await foreach (var row in server.Tables.Participants.QueryAsync<TableEntity>(OfAccounts).Where(row => !Keys.IsEvent(row.RowKey)))
        {
            claims[Id(row)] = row.GetString("SessionId");
            tags.Add(row.GetString("Tag"));
        }

        await foreach (var row in server.Tables.Sessions.QueryAsync<TableEntity>(OfAccounts).Where(row => !Keys.IsEvent(row.RowKey)))
        {
            tags.Add(row.GetString("Tag"));
            if (row.RowKey == Keys.Header)
            {
                sessions.Add(Id(row));
                continue;
            }

            var subscriptions = JsonElement.Parse(row.GetBinary("Subscriptions"));
            members.Add((Id(row), row.RowKey["member:".Length..], subscriptions.TryGetProperty("participants", out var participants)
                ? participants[0].GetProperty("streamAliases")[0].GetString()
                : null));
        }

        return new(sessions, claims, members, tags);

        string Id(TableEntity row) => row.PartitionKey[(account.Id.Length + 1)..];
    }

    private static string Pick(ConcurrentDictionary<string, bool> ids, Random random)
    {
        var keys = ids.Keys;
        return keys.Count == 0 ? "" : keys.ElementAt(random.Next(keys.Count));
    }

    private static async Task SignalAsync(Azurite storage, string signal)
    {
        using var kill = Process.Start("kill", [$"-{signal}", storage.ProcessId.ToString(CultureInfo.InvariantCulture)]);
        await kill.EndAsync();
    }

    /// <summary>A free port outside the range for outgoing connections, so that it is still free when storage restarts.</summary>
    private static int FindPort()
    {
        while (true)
        {
            var port = Random.Shared.Next(20_000, 30_000);
            try
            {
                using var listener = new TcpListener(IPAddress.Loopback, port);
                listener.Start();
                return port;
            }
            catch (SocketException)
            {
                // The port is in use.
            }
        }
    }

    private static int Setting(string name, int byDefault)
        => int.TryParse(Environment.GetEnvironmentVariable(name), CultureInfo.InvariantCulture, out var value) ? value : byDefault;

    private sealed class LoadServer(AzuriteFixture azurite, string connectionString) : Server(azurite)
    {
        public static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

        protected override IEnumerable<string> Settings =>
            [$"--Sessions:RequestTimeout={RequestTimeout}", $"--Sessions:ParticipantsPerSession={ParticipantsPerSession}", "--Logging:LogLevel:Sessions=Error"];

        protected override void Configure(TableClientOptions options) => options.Retry.NetworkTimeout = Patience;

        protected override ValueTask<string> ConnectAsync() => new(connectionString);
    }
}
