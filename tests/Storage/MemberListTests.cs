using Sessions.Model;
using Sessions.Storage;
using Sessions.Tests.Simulation;

namespace Sessions.Tests;

/// <summary>The members of a session whose rows may come in several pages, between which other requests write.</summary>
public sealed class MemberListTests
{
    private const int Members = 3;
    private const int MostPauses = 40;

    // Each pass has two pages, and there is no pause before the first repeated pass.
    private const int MostQueries = 2 * (1 + 1 + MostPauses);

    private static readonly AccountId Account = AccountId.Parse("account");

    private static readonly SessionsOptions Options = TestOptions.Default;

    private readonly SimulatedRows _rows = new();
    private readonly CountingTime _time = new();
    private readonly Tables _tables;
    private readonly MembershipStore _memberships;
    private readonly List<ParticipantId> _members = [];
    private SessionId _session;
    private int _etags;
    private int _queries;

    public MemberListTests()
    {
        _tables = new(name => new SimulatedTable(name, call => Task.FromResult(Do(call))));
        _memberships = new(_tables, Options, _time, EventQueue.None);
    }

    [Fact]
    public async Task A_list_in_one_page_is_read_once()
    {
        await CreateAsync();

        Assert.Equal(_members, await ListAsync(pageSize: 1 + Members));
        Assert.Equal((1, 0), (_queries, _time.Pauses));
    }

    [Theory]
    [InlineData(1, 4)]
    [InlineData(2, 2)]
    [InlineData(3, 2)]
    public async Task Unchanged_pages_are_read_twice_without_a_pause(int pageSize, int pages)
    {
        await CreateAsync();

        Assert.Equal(_members, await ListAsync(pageSize));
        Assert.Equal((2 * pages, 0), (_queries, _time.Pauses));
    }

    [Fact]
    public async Task Pages_are_read_until_two_passes_agree_after_a_member_left()
    {
        await CreateAsync();

        var members = await ListAsync(pageSize: 2, async query =>
        {
            if (query == 2)
                await LeaveAsync(_members[0]);
        });

        Assert.Equal(_members.Skip(1), members);
        Assert.InRange(_time.Pauses, 0, 1);
        Assert.Equal(2 * 3, _queries);
    }

    [Fact]
    public async Task A_change_of_subscriptions_between_pages_causes_another_pass()
    {
        await CreateAsync();

        await ListAsync(pageSize: 2, async query =>
        {
            if (query == 3)
                await UpdateAsync(_members[0]);
        });

        Assert.Equal(2 * 3, _queries);
    }

    [Fact]
    public async Task A_list_that_changes_in_every_pass_fails_after_the_retry_budget_of_a_request()
    {
        await CreateAsync();

        await Assert.ThrowsAsync<StorageUnavailableException>(() => ListAsync(pageSize: 2, query => query % 2 == 0 ? UpdateAsync(_members[0]) : Task.CompletedTask));

        Assert.Equal(MostQueries, _queries);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(1000)]
    public async Task A_missing_session_has_no_list(int pageSize)
    {
        _session = new(Guid.NewGuid());

        Assert.Null(await FindAsync(pageSize, _ => Task.CompletedTask));
    }

    [Fact]
    public async Task A_paged_list_contains_the_header_and_every_member_once()
    {
        await CreateAsync();

        var list = await FindAsync(pageSize: 1, _ => Task.CompletedTask);

        Assert.Equal(_session, list!.Header.Id);
        Assert.Equal(_members, list.Members.Select(member => member.ParticipantId));
    }

    private TableAnswer Do(TableCall call) => _rows.Execute(call, new($"{++_etags}"));

    private async Task CreateAsync()
    {
        var sessions = new SessionStore(_tables, Options, _time, EventQueue.None);
        var participants = new ParticipantStore(_tables, Options, _time, EventQueue.None);
        _session = new(Guid.Parse((await sessions.CreateAsync(Account, new("tag"), null, CancellationToken.None)).Session!.Id));
        for (var member = 0; member < Members; member++)
        {
            var created = await participants.CreateAsync(Account, new(null, [], "tag", "V3"), null, CancellationToken.None);
            ParticipantId participant = new(Guid.Parse(created.Participant!.Id));
            Assert.Equal(Outcome.Done, await _memberships.JoinAsync(Account, _session, participant, null, Precondition.None, CancellationToken.None));
            _members.Add(participant);
        }

        _members.Sort((one, other) => string.CompareOrdinal(one.ToString(), other.ToString()));
    }

    private async Task LeaveAsync(ParticipantId participant)
        => Assert.Equal(Outcome.Done, await _memberships.LeaveAsync(Account, _session, participant, Precondition.None, CancellationToken.None));

    private async Task UpdateAsync(ParticipantId participant) => Assert.Equal(
        Outcome.Done,
        await _memberships.UpdateSubscriptionsAsync(Account, _session, participant, Subscriptions.None, Precondition.None, CancellationToken.None));

    private Task<IEnumerable<ParticipantId>> ListAsync(int pageSize) => ListAsync(pageSize, _ => Task.CompletedTask);

    private async Task<IEnumerable<ParticipantId>> ListAsync(int pageSize, Func<int, Task> before)
        => (await FindAsync(pageSize, before))!.Members.Select(member => member.ParticipantId);

    /// <summary>Reads the list. <paramref name="before"/> is called before each page with the page's number, from 1 on.</summary>
    private Task<MemberList?> FindAsync(int pageSize, Func<int, Task> before)
    {
        var table = new SimulatedTable(
            _tables.Sessions.Name,
            async call =>
            {
                Assert.InRange(++_queries, 1, MostQueries);
                await before(_queries);
                return Do(call);
            },
            pageSize);
        _time.Clear();
        return MemberList.FindAsync(table, Account, _session, new(_time, CancellationToken.None));
    }

    /// <summary>Counts the pauses, each of which ends immediately. A pause of zero length needs no timer and is not counted.</summary>
    private sealed class CountingTime : TimeProvider
    {
        public int Pauses { get; private set; }

        public void Clear() => Pauses = 0;

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            Pauses++;
            return base.CreateTimer(callback, state, TimeSpan.Zero, period);
        }
    }
}
