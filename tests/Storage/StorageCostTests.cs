using System.Globalization;
using Sessions.Testing;

namespace Sessions.Tests;

/// <summary>
/// What each operation costs in storage: all of its calls, those made in parallel too, and their bytes. Both are the same for
/// a session of 2, 10 and 20, but for the bytes of what reads the whole session. <see cref="RoundTripTests"/> has how many
/// of the calls wait for one another.
/// </summary>
public sealed class StorageCostTests(Server server) : IClassFixture<Server>
{
    private static readonly int[] Sizes = [2, 10, 20];

    // Time stamps and numbers of accounts differ in length.
    private const int Noise = 100;

    /// <summary>What reads no other member: its calls, and its bytes at most.</summary>
    [Theory]
    [InlineData("createSession", 2, 3_000)]
    [InlineData("getSession", 1, 1_900)]
    [InlineData("createParticipant", 2, 3_100)]
    [InlineData("getParticipant, in no session", 1, 2_000)]
    [InlineData("getParticipant", 2, 4_200)]
    [InlineData("deleteParticipant, in no session", 2, 4_400)]
    [InlineData("getParticipantSubscriptions", 1, 2_200)]
    [InlineData("updateParticipantSubscriptions", 2, 3_700)]
    public async Task Costs_the_same_whatever_the_number_of_members(string operation, int calls, int bytes)
    {
        var costs = await MeasureAsync(operation);
        Assert.All(costs, cost => Assert.Equal(calls, cost.Calls));
        Assert.All(costs, cost => Assert.InRange(cost.Bytes.Total, 1, bytes));
        Assert.InRange(costs.Max(cost => cost.Bytes.Total) - costs.Min(cost => cost.Bytes.Total), 0, Noise);
    }

    /// <summary>What reads the session with its members: its calls, and its bytes at most with 2 members and for each further one.</summary>
    [Theory]
    [InlineData("listSessionParticipants", 1, 3_500, 800)]
    [InlineData("addParticipantToSession", 4, 11_000, 800)]
    [InlineData("addParticipantToSession, again", 2, 5_500, 800)]
    [InlineData("removeParticipantFromSession", 4, 10_500, 800)]
    [InlineData("deleteParticipant", 4, 11_500, 800)]
    [InlineData("deleteSession", 2, 7_500, 1_600)]
    public async Task Costs_the_same_calls_and_the_bytes_of_the_members_rows(string operation, int calls, int bytes, int bytesForEach)
    {
        var costs = await MeasureAsync(operation);
        Assert.All(costs, cost => Assert.Equal(calls, cost.Calls));
        Assert.All(Sizes.Zip(costs), cost => Assert.InRange(cost.Second.Bytes.Total, 1, bytes + ((cost.First - Sizes[0]) * bytesForEach)));
    }

    private async Task<IReadOnlyList<(int Calls, StorageBytes Bytes)>> MeasureAsync(string operation)
    {
        List<(int, StorageBytes)> costs = [];
        foreach (var size in Sizes)
        {
            var account = await server.NewWarmAccountAsync();
            var call = await Call.PrepareAsync(account, operation == "addParticipantToSession" ? size - 1 : size);
            server.StorageCalls.Clear();
            var answer = await call.Operations[operation]();
            Assert.True((int)answer.Status < 300, $"{answer.Status}: {answer.Body}");
            costs.Add((server.StorageCalls.Count, server.StorageCalls.Bytes));
            TestContext.Current.TestOutputHelper?.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"{operation}, {size} members: {server.StorageCalls.Count} calls, {server.StorageCalls.Bytes.Sent} bytes sent, {server.StorageCalls.Bytes.Received} received"));
        }

        return costs;
    }

    /// <summary>A session with members, each subscribed to all of it, and a participant outside.</summary>
    private sealed record Call(Account Account, string Session, string Member, string Outsider)
    {
        public Dictionary<string, Func<Task<Answer>>> Operations { get; } = new Dictionary<string, Func<Task<Answer>>>
        {
            ["createSession"] = () => Account.PostAsync("/sessions", """{"tag":"call"}"""),
            ["getSession"] = () => Account.GetAsync($"/sessions/{Session}"),
            ["deleteSession"] = () => Account.DeleteAsync($"/sessions/{Session}"),
            ["listSessionParticipants"] = () => Account.GetAsync($"/sessions/{Session}/participants"),
            ["addParticipantToSession"] = () => Account.PutAsync($"/sessions/{Session}/participants/{Outsider}", ToAll(Session)),
            ["addParticipantToSession, again"] = () => Account.PutAsync($"/sessions/{Session}/participants/{Member}"),
            ["removeParticipantFromSession"] = () => Account.DeleteAsync($"/sessions/{Session}/participants/{Member}"),
            ["getParticipantSubscriptions"] = () => Account.GetAsync($"/sessions/{Session}/participants/{Member}/subscriptions"),
            ["updateParticipantSubscriptions"] = () => Account.PutAsync($"/sessions/{Session}/participants/{Member}/subscriptions", ToAll(Session)),
            ["createParticipant"] = () => Account.PostAsync("/participants", NewParticipant),
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
