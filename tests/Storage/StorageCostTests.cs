using System.Globalization;
using System.Reflection;
using Sessions.Events;
using Sessions.Model;
using Sessions.Storage;
using Sessions.Testing;

namespace Sessions.Tests;

/// <summary>
/// The storage cost of each operation, which is its sequential calls, all of its calls including parallel ones, and their bytes. The
/// sequential calls determine its latency. All three are the same for a session with 2, 10 and 20 members, except for the bytes of an
/// operation that reads the whole session. <see cref="RoundTripTests"/> covers the cases with a different number of sequential calls.
/// </summary>
public sealed class StorageCostTests(Server server) : IClassFixture<Server>
{
    private static readonly int[] Sizes = [2, 10, 20];

    // Timestamps and account numbers differ in length.
    private const int Noise = 100;

    [Fact]
    public void Every_operation_is_measured()
        => Assert.Equal(
            HttpFunction.All.Where(function => function.Name is not ("GetOpenApi" or "Health" or "ZFallback")).Select(function => function.Operation).Order(StringComparer.Ordinal),
            typeof(StorageCostTests).GetMethods()
                .SelectMany(method => method.GetCustomAttributes<InlineDataAttribute>())
                .Select(data => ((string)data.Data[0]!).Split(',')[0])
                .Distinct()
                .Order(StringComparer.Ordinal));

    /// <summary>For an operation that reads no other member, its sequential calls, all of its calls, and its maximum bytes.</summary>
    [Theory]
    [InlineData("createSession", 1, 2, 5_600)]
    [InlineData("createParticipant", 1, 2, 5_700)]
    [InlineData("listParticipants", 1, 1, 3_000)]
    [InlineData("getParticipant, in no session", 1, 1, 2_000)]
    [InlineData("getParticipant", 2, 2, 4_200)]
    [InlineData("deleteParticipant, in no session", 2, 2, 4_400)]
    [InlineData("getParticipantSubscriptions", 1, 1, 2_200)]
    [InlineData("listEvents", 1, 1, 2_500)]
    [InlineData("updateParticipantSubscriptions", 1, 2, 3_700)]
    public async Task The_cost_does_not_depend_on_the_number_of_members(string operation, int sequential, int calls, int bytes)
    {
        var costs = await MeasureAsync(operation);
        Assert.All(costs, cost => Assert.Equal((sequential, calls), (cost.Sequential, cost.Calls)));
        Assert.All(costs, cost => Assert.InRange(cost.Bytes.Total, 1, bytes));
        Assert.InRange(costs.Max(cost => cost.Bytes.Total) - costs.Min(cost => cost.Bytes.Total), 0, Noise);
    }

    /// <summary>
    /// For an operation that reads the session with its members, its sequential calls, all of its calls, and its maximum bytes with 2
    /// members and for each further member.
    /// </summary>
    [Theory]
    [InlineData("getSession", 1, 1, 2_000, 40)]
    [InlineData("listSessions", 1, 1, 3_000, 80)]
    [InlineData("listSessionParticipants", 1, 1, 3_500, 840)]
    [InlineData("addParticipantToSession", 3, 4, 11_000, 800)]
    [InlineData("addParticipantToSession, again", 1, 2, 5_500, 800)]
    [InlineData("removeParticipantFromSession", 3, 4, 10_500, 800)]
    [InlineData("deleteParticipant", 4, 4, 11_500, 800)]
    [InlineData("deleteSession", 2, 2, 7_500, 1_600)]
    [InlineData("listSessionEvents", 1, 2, 5_500, 700)]
    [InlineData("listSessionEvents, of one", 1, 2, 4_600, 40)]
    public async Task Only_the_bytes_grow_with_the_number_of_members(string operation, int sequential, int calls, int bytes, int bytesForEach)
    {
        var costs = await MeasureAsync(operation);
        Assert.All(costs, cost => Assert.Equal((sequential, calls), (cost.Sequential, cost.Calls)));
        Assert.All(Sizes.Zip(costs), cost => Assert.InRange(cost.Second.Bytes.Total, 1, bytes + ((cost.First - Sizes[0]) * bytesForEach)));
    }

    private async Task<IReadOnlyList<(int Sequential, int Calls, StorageBytes Bytes)>> MeasureAsync(string operation)
    {
        List<(int, int, StorageBytes)> costs = [];
        foreach (var size in Sizes)
        {
            var account = await server.NewWarmAccountAsync();
            var call = await Call.PrepareAsync(account, operation == "addParticipantToSession" ? size - 1 : size);
            if (operation == "listEvents")
                await LogAsync(account, call.Session);
            server.StorageCalls.Clear();
            server.StorageCalls.Hold = RoundTripTests.Hold;
            var answer = await call.Operations[operation]();
            server.StorageCalls.Hold = TimeSpan.Zero;
            Assert.True((int)answer.Status < 300, $"{answer.Status}: {answer.Body}");
            costs.Add((server.StorageCalls.Sequential, server.StorageCalls.Count, server.StorageCalls.Bytes));
            TestContext.Current.TestOutputHelper?.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"{operation}, {size} members: {server.StorageCalls.Count} calls, {server.StorageCalls.Sequential} sequential, {server.StorageCalls.Bytes.Sent} bytes sent, {server.StorageCalls.Bytes.Received} received"));
        }

        return costs;
    }

    /// <summary>Adds an event to the account's feed.</summary>
    private async Task LogAsync(Account account, string session)
    {
        var (accountId, cancellation) = (AccountId.Parse(account.Id), TestContext.Current.CancellationToken);
        await server.Service<Feeds>().TurnOnAsync(accountId, cancellation);
        var log = server.Service<EventLog>();
        var created = new SessionsEvent($"evt_{Guid.Parse(session):N}_1", EventTypes.SessionCreated, server.Time.GetUtcNow(), new(account.Id, session, null, null, null));
        var cursor = new CursorRow(accountId, $"{account.Id}:{session}", 1, 0, server.Time.GetUtcNow(), null);
        Assert.True(await log.AppendAsync(new(cursor, [new(created, 1, 0, true, server.Time.GetUtcNow())])));
        await account.GetAsync("/events");
    }

    /// <summary>A session with members who all subscribe to the whole session, and a participant outside it.</summary>
    private sealed record Call(Account Account, string Session, string Member, string Outsider)
    {
        public Dictionary<string, Func<Task<Answer>>> Operations { get; } = new Dictionary<string, Func<Task<Answer>>>
        {
            ["createSession"] = () => Account.PostAsync("/sessions", """{"tag":"call"}"""),
            ["listSessions"] = () => Account.GetAsync("/sessions?limit=1"),
            ["listParticipants"] = () => Account.GetAsync("/participants?limit=1"),
            ["getSession"] = () => Account.GetAsync($"/sessions/{Session}"),
            ["deleteSession"] = () => Account.DeleteAsync($"/sessions/{Session}"),
            ["listSessionParticipants"] = () => Account.GetAsync($"/sessions/{Session}/participants"),
            ["addParticipantToSession"] = () => Account.PutAsync($"/sessions/{Session}/participants/{Outsider}", ToAll(Session)),
            ["addParticipantToSession, again"] = () => Account.PutAsync($"/sessions/{Session}/participants/{Member}"),
            ["removeParticipantFromSession"] = () => Account.DeleteAsync($"/sessions/{Session}/participants/{Member}"),
            ["getParticipantSubscriptions"] = () => Account.GetAsync($"/sessions/{Session}/participants/{Member}/subscriptions"),
            ["updateParticipantSubscriptions"] = () => Account.PutAsync($"/sessions/{Session}/participants/{Member}/subscriptions", ToAll(Session)),
            ["createParticipant"] = () => Account.PostAsync("/participants", NewParticipant),
            ["listSessionEvents"] = () => Account.GetAsync($"/sessions/{Session}/events"),
            ["listSessionEvents, of one"] = () => Account.GetAsync($"/sessions/{Session}/events?limit=1"),
            ["listEvents"] = () => Account.GetAsync("/events"),
            ["getParticipant"] = () => Account.GetAsync($"/participants/{Member}"),
            ["getParticipant, in no session"] = () => Account.GetAsync($"/participants/{Outsider}"),
            ["deleteParticipant"] = () => Account.DeleteAsync($"/participants/{Member}"),
            ["deleteParticipant, in no session"] = () => Account.DeleteAsync($"/participants/{Outsider}"),
        };

        private const string NewParticipant = """{"publishPermissions":["AUDIO","VIDEO"],"callbackUrl":"https://example.com/callback"}""";

        public static async Task<Call> PrepareAsync(Account account, int members)
        {
            var session = await account.CreateSessionAsync();
            string member;
            do
            {
                member = await account.CreateParticipantAsync(NewParticipant);
                await account.JoinAsync(session, member, ToAll(session));
            }
            while (--members > 0);

            return new(account, session, member, await account.CreateParticipantAsync(NewParticipant));
        }

        private static string ToAll(string session) => $$"""{"sessionId":"{{session}}"}""";
    }
}
