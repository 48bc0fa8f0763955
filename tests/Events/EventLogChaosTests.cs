using System.Collections.Concurrent;
using Sessions.Events;
using Sessions.Model;
using Sessions.Storage;
using Sessions.Tests.Webhooks;

namespace Sessions.Tests.Events;

/// <summary>Each event is in the log once and in order, even when calls fail and programs crash.</summary>
public sealed class EventLogChaosTests(AzuriteFixture azurite)
{
    private const int Programs = 3;
    private const int Looks = 25;

    private static readonly AccountId Account = WebhookBench.Account;

    private static readonly SessionsOptions Options = TestOptions.With(
        ("Sessions:SessionLifetime", "00:10:00"), ("Sessions:ParticipantLifetime", "00:15:00"), ("Sessions:ParticipantsPerSession", "4"));

    public static TheoryData<int> Seeds => [.. Enumerable.Range(1, 60)];

    [Theory]
    [MemberData(nameof(Seeds))]
    public async Task The_log_contains_every_event_once_and_in_order_and_yields_the_current_members(int seed)
    {
        var (chaos, work) = await RunAsync(seed);

        var feeds = new EventFeeds(chaos.Calm(), new(chaos.Calm()), new(chaos.Calm(), chaos.Time));
        var log = await new EventLog(chaos.Calm()).ReadAsync(Account, 0, int.MaxValue, TestContext.Current.CancellationToken);
        Assert.Equal(Enumerable.Range(1, log.Count).Select(position => (long)position), log.Select(entry => entry.Position));
        Assert.Equal(log.Count, await new EventLog(chaos.Calm()).FindHeadAsync(Account, TestContext.Current.CancellationToken));
        Assert.Equal(log.Count, log.Select(entry => entry.Event.Id).Distinct().Count());
        foreach (var session in work.Sessions)
        {
            var page = await feeds.ReadSessionAsync(Account, session, null, 1_000, TestContext.Current.CancellationToken);
            Assert.Equal(page.Events.Select(one => one.Id), log.Select(entry => entry.Event).Where(one => one.Data.SessionId == session.ToString()).Select(one => one.Id));
            Assert.Equal(await work.MembersAsync(session), Count(page.Events).Keys.Order(StringComparer.Ordinal));
        }

        Assert.True(log.Count > 20, "Too little has happened.");
        Assert.Equal(work.Participants.Count, log.Count(entry => entry.Event.Type == EventTypes.ParticipantCreated));
        await AgreesAsync(Count(log.Select(entry => entry.Event)), work);
    }

    [Theory]
    [InlineData(101)]
    [InlineData(102)]
    [InlineData(103)]
    [InlineData(104)]
    [InlineData(105)]
    public async Task A_program_that_derives_members_from_webhooks_alone_agrees_with_the_lists(int seed)
    {
        var (chaos, work) = await RunAsync(seed);
        var log = await new EventLog(chaos.Calm()).ReadAsync(Account, 0, int.MaxValue, TestContext.Current.CancellationToken);
        using var bench = await WebhookBench.StartAsync(azurite);
        var random = new Random(seed);

        // A third of the deliveries fail, half of them after the message has arrived, so that it is sent again.
        ConcurrentQueue<Received> taken = [];
        await using var receiver = await Receiver.StartAsync(received =>
        {
            var fate = random.Next(6);
            if (fate != 0)
                taken.Enqueue(received);
            return fate > 1 ? 200 : 500;
        });
        await bench.AddAsync(receiver);
        var ids = await bench.AppendAsync([.. log.Select(entry => (entry.Event.Type, IdOf(entry.Event.Data.SessionId), IdOf(entry.Event.Data.ParticipantId)))]);
        await bench.DeliverAsync();
        while (bench.Delays.Count > 0)
            await bench.RunNextAsync();

        Assert.True(receiver.All.Count > ids.Length, "No delivery failed.");
        Received[] once = [.. taken.DistinctBy(received => received.Id)];
        Assert.Equal(ids.Order(StringComparer.Ordinal), once.Select(received => received.Id).Order(StringComparer.Ordinal));
        var members = Count(once.Select(received => (received.Type, received.ParticipantId, received.SessionId)));
        await AgreesAsync(members, work);
    }

    /// <summary>Programs read partitions while callers change them. The log is complete afterwards.</summary>
    private static async Task<(Chaos Chaos, RandomWork Work)> RunAsync(int seed)
    {
        var chaos = new Chaos(seed);
        var work = new RandomWork(chaos, Options);
        await work.BeginAsync();
        var actors = Enumerable.Range(0, Programs).SelectMany(_ =>
        {
            // The two actors of one program share its log, so their appends are combined.
            var look = LookOf(chaos, chaos.Stormy());
            return Enumerable.Repeat<Func<Task>>(() => LookAsync(chaos, look, work), 2);
        });
        chaos.Run([.. actors], work.ChangeSomethingAsync);

        chaos.IsOn = false;
        var last = LookOf(chaos, chaos.Stormy());
        chaos.Run([() => LookAtAllAsync(last, work)], () => Task.CompletedTask);
        return (chaos, work);
    }

    private static Guid? IdOf(string? text) => text is null ? null : Guid.Parse(text);

    private static async Task AgreesAsync(Dictionary<string, string> members, RandomWork work)
    {
        foreach (var session in work.Sessions)
        {
            Assert.Equal(
                await work.MembersAsync(session),
                members.Where(member => member.Value == session.ToString()).Select(member => member.Key).Order(StringComparer.Ordinal));
        }
    }

    private static Dictionary<string, string> Count(IEnumerable<SessionsEvent> events)
        => Count(events.Select(one => (one.Type, one.Data.ParticipantId, one.Data.SessionId)));

    /// <summary>The session of each participant, as derived by a program that reads only the events.</summary>
    private static Dictionary<string, string> Count(IEnumerable<(string Type, string? Participant, string? Session)> events)
    {
        Dictionary<string, string> members = [];
        foreach (var (type, participant, session) in events)
        {
            if (type == EventTypes.ParticipantJoined)
                Assert.True(members.TryAdd(participant!, session!), $"{participant} joined twice.");
            else if (type == EventTypes.ParticipantLeft)
                Assert.True(members.Remove(participant!, out var joined) && joined == session, $"{participant} left and had not joined.");
        }

        return members;
    }

    private static PartitionLook LookOf(Chaos chaos, Tables tables)
        => new(tables, new(tables), new(tables, Options, chaos.Time, EventQueue.None), EventQueue.None, chaos.Time);

    private static async Task LookAsync(Chaos chaos, PartitionLook look, RandomWork work)
    {
        for (var looks = 0; looks < Looks; looks++)
        {
            await Task.Yield();
            if (work.Partitions.Count > 0)
                await TryLookAsync(look, work.Partitions[chaos.Random.Next(work.Partitions.Count)]);
        }
    }

    private static async Task LookAtAllAsync(PartitionLook look, RandomWork work)
    {
        foreach (var partition in work.Partitions.Distinct().ToArray())
            await look.RunAsync(Account, partition, CancellationToken.None);
    }

    private static async Task TryLookAsync(PartitionLook look, string partition)
    {
        try
        {
            await look.RunAsync(Account, partition, CancellationToken.None);
        }
        catch (Exception exception) when (StorageFaults.IsTransient(exception))
        {
            // As in the delivery, another look follows.
        }
    }

    /// <summary>Requests of callers, and the passage of time.</summary>
    private sealed class RandomWork
    {
        private readonly Chaos _chaos;
        private readonly SessionStore _sessions;
        private readonly ParticipantStore _participants;
        private readonly MembershipStore _members;

        public RandomWork(Chaos chaos, SessionsOptions options)
        {
            _chaos = chaos;
            var (tables, queue) = (chaos.Calm(), new EventQueue((_, partition, _, _) =>
            {
                Partitions.Add(partition);
                return Task.CompletedTask;
            }));
            _sessions = new(tables, options, chaos.Time, queue);
            _participants = new(tables, options, chaos.Time, queue);
            _members = new(tables, options, chaos.Time, queue);
        }

        public List<string> Partitions { get; } = [];

        public List<SessionId> Sessions { get; } = [];

        public List<ParticipantId> Participants { get; } = [];

        /// <summary>Creates the first sessions and participants.</summary>
        public async Task BeginAsync()
        {
            foreach (var _ in Enumerable.Range(0, 4))
            {
                await CreateSessionAsync();
                await CreateParticipantAsync();
            }
        }

        public async Task ChangeSomethingAsync()
        {
            if (_chaos.Random.Next(4) > 0)
                return;

            switch (_chaos.Random.Next(12))
            {
                case 0 when Sessions.Count < 12:
                    await CreateSessionAsync();
                    break;
                case 1 when Participants.Count < 20:
                    await CreateParticipantAsync();
                    break;
                case 2:
                    _chaos.Advance(TimeSpan.FromSeconds(_chaos.Random.Next(40)));
                    break;
                case 3 when _chaos.Random.Next(6) == 0 && Sessions.Count > 0:
                    await _members.DeleteSessionAsync(Account, Any(Sessions), Precondition.None, CancellationToken.None);
                    break;
                case 4 when _chaos.Random.Next(6) == 0 && Participants.Count > 0:
                    await _members.DeleteParticipantAsync(Account, Any(Participants), Precondition.None, CancellationToken.None);
                    break;
                case > 4 and < 8 when Sessions.Count > 0 && Participants.Count > 0:
                    await _members.LeaveAsync(Account, Any(Sessions), Any(Participants), Precondition.None, CancellationToken.None);
                    break;
                case >= 8 when Sessions.Count > 0 && Participants.Count > 0:
                    await _members.JoinAsync(Account, Any(Sessions), Any(Participants), null, Precondition.None, CancellationToken.None);
                    break;
            }
        }

        public async Task<IEnumerable<string>> MembersAsync(SessionId session)
            => (await _sessions.ListParticipantsAsync(Account, session, CancellationToken.None) ?? []).Select(member => member.Id).Order(StringComparer.Ordinal);

        private async Task CreateSessionAsync()
        {
            var (_, session) = await _sessions.CreateAsync(Account, NewSession.Default, null, CancellationToken.None);
            Sessions.Add(new(Guid.Parse(session!.Id)));
        }

        private async Task CreateParticipantAsync()
        {
            var (_, participant, _) = await _participants.CreateAsync(Account, NewParticipant.Default, null, CancellationToken.None);
            Participants.Add(new(Guid.Parse(participant!.Id)));
        }

        private T Any<T>(List<T> items) => items[_chaos.Random.Next(items.Count)];
    }
}
