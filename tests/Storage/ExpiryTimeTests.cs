using Sessions.Model;
using Sessions.Storage;
using Sessions.Tests.Simulation;

namespace Sessions.Tests;

/// <summary>A resource that expires exactly now has expired, and a tick earlier it is live.</summary>
public sealed class ExpiryTimeTests
{
    private static readonly TimeSpan ATick = TimeSpan.FromTicks(1);
    private static readonly AccountId Account = AccountId.Parse("account");

    private static readonly SessionsOptions Options = TestOptions.Default;

    private readonly SimulatedRows _rows = new();
    private readonly SteadyTime _time = new();
    private readonly Tables _tables;
    private readonly SessionStore _sessions;
    private readonly ParticipantStore _participants;
    private readonly MembershipStore _memberships;
    private readonly Sweeper _sweeper;
    private int _etags;

    public ExpiryTimeTests()
    {
        // A sweep then reads each row of the index in its own page.
        _tables = new(name => new SimulatedTable(name, call => Task.FromResult(_rows.Execute(call, new($"{++_etags}"))), pageSize: 1));
        _sessions = new(_tables, Options, _time, EventQueue.None);
        _participants = new(_tables, Options, _time, EventQueue.None);
        _memberships = new(_tables, Options, _time, EventQueue.None);
        _sweeper = new(_tables, Options.EventRetention, _time, EventQueue.None);
    }

    [Fact]
    public async Task A_session_expires_exactly_at_the_end_of_its_lifetime()
    {
        var session = await NewSessionAsync();

        _time.Advance(Options.SessionLifetime - ATick);
        Assert.NotNull(await _sessions.GetAsync(Account, session, CancellationToken.None));
        _time.Advance(ATick);
        Assert.Null(await _sessions.GetAsync(Account, session, CancellationToken.None));
    }

    [Fact]
    public async Task A_participant_expires_exactly_at_the_end_of_its_lifetime()
    {
        var participant = await NewParticipantAsync();

        _time.Advance(Options.ParticipantLifetime - ATick);
        Assert.NotNull(await _participants.GetAsync(Account, participant, CancellationToken.None));
        _time.Advance(ATick);
        Assert.Null(await _participants.GetAsync(Account, participant, CancellationToken.None));
    }

    [Fact]
    public async Task A_membership_expires_with_its_participant()
    {
        var participant = await NewParticipantAsync();
        _time.Advance(ATick);
        var session = await NewSessionAsync();
        Assert.Equal(Outcome.Done, await _memberships.JoinAsync(Account, session, participant, null, Precondition.None, CancellationToken.None));

        _time.Advance(Options.ParticipantLifetime - (2 * ATick));
        Assert.Equal((1, true), await MembersAsync(session, participant));
        _time.Advance(ATick);
        Assert.Equal((0, false), await MembersAsync(session, participant));
    }

    [Fact]
    public void A_member_entry_is_either_live_or_expired()
    {
        var end = _time.GetUtcNow();
        var members = MemberSet.Empty.With(new(new(Guid.NewGuid()), end));

        Assert.Equal((1, 0), (members.Live(end - ATick).Count(), members.Expired(end - ATick).Count()));
        Assert.Equal((0, 1), (members.Live(end).Count(), members.Expired(end).Count()));
    }

    [Fact]
    public async Task A_purge_deletes_rows_exactly_when_the_grace_period_ends()
    {
        await NewParticipantAsync();

        _time.Advance(Options.ParticipantLifetime + Sweeper.Grace - ATick);
        Assert.Equal(0, await PurgeAsync());
        _time.Advance(ATick);
        Assert.Equal(1, await PurgeAsync());
    }

    [Fact]
    public async Task A_sweep_stops_at_its_row_limit()
    {
        await NewParticipantAsync();
        await NewParticipantAsync();
        await NewParticipantAsync();
        _time.Advance(Options.ParticipantLifetime + Sweeper.Grace + TimeSpan.FromHours(1));

        Assert.Equal(2, await _sweeper.SweepAsync(2, CancellationToken.None));
        Assert.Equal(1, await _sweeper.SweepAsync(2, CancellationToken.None));
        Assert.Equal(0, await _sweeper.SweepAsync(2, CancellationToken.None));
    }

    private async Task<int> PurgeAsync() => (await _sweeper.PurgeAsync(CancellationToken.None).LastOrDefaultAsync()).Participants;

    private async Task<(int Listed, bool HasSubscriptions)> MembersAsync(SessionId session, ParticipantId participant)
    {
        var found = await _sessions.GetAsync(Account, session, CancellationToken.None);
        var subscriptions = await _memberships.GetSubscriptionsAsync(Account, session, participant, CancellationToken.None);
        return (found!.Value.ParticipantIds.Count, subscriptions is not null);
    }

    private async Task<SessionId> NewSessionAsync()
        => new(Guid.Parse((await _sessions.CreateAsync(Account, new("tag"), null, CancellationToken.None)).Session!.Id));

    private async Task<ParticipantId> NewParticipantAsync()
        => new(Guid.Parse((await _participants.CreateAsync(Account, new(null, [], "tag", "V3"), null, CancellationToken.None)).Participant!.Id));

    /// <summary>A clock that only a test advances.</summary>
    private sealed class SteadyTime : TimeProvider
    {
        private DateTimeOffset _now = new(2026, 1, 1, 12, 30, 0, TimeSpan.Zero);

        public void Advance(TimeSpan time) => _now += time;

        public override DateTimeOffset GetUtcNow() => _now;
    }
}
