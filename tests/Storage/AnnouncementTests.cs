using Sessions.Model;
using Sessions.Storage;

namespace Sessions.Tests;

/// <summary>
/// A change whose message cannot be stored. The request must not report success, because the delivery might never find the event.
/// </summary>
public sealed class AnnouncementTests : StorageFaultTests
{
    private bool _isBroken;

    private EventQueue Queue => new((_, _, _, _) => _isBroken ? Task.FromException(new StorageUnavailableException("The queue is away.")) : Task.CompletedTask);

    private SessionStore SessionStore => new(Scripted.Tables, Options, Time, Queue);

    private ParticipantStore ParticipantStore => new(Scripted.Tables, Options, Time, Queue);

    private MembershipStore MembershipStore => new(Scripted.Tables, Options, Time, Queue);

    [Fact]
    public Task Creating_a_session_fails_if_its_message_cannot_be_queued()
        => IsUnavailableAsync(() => SessionStore.CreateAsync(Account, NewSession.Default, null, CancellationToken.None));

    [Fact]
    public Task Creating_a_participant_fails_if_its_message_cannot_be_queued()
        => IsUnavailableAsync(() => ParticipantStore.CreateAsync(Account, NewParticipant.Default, null, CancellationToken.None));

    [Fact]
    public async Task A_join_fails_if_its_message_cannot_be_queued()
    {
        var (session, participant) = (await NewSessionAsync(), await NewParticipantAsync());

        await IsUnavailableAsync(() => MembershipStore.JoinAsync(Account, session, participant, null, Precondition.None, CancellationToken.None));
    }

    [Fact]
    public async Task A_leave_fails_if_its_message_cannot_be_queued()
    {
        var (session, participant) = await NewMemberAsync();

        await IsUnavailableAsync(() => MembershipStore.LeaveAsync(Account, session, participant, Precondition.None, CancellationToken.None));
    }

    [Fact]
    public async Task Deleting_a_session_fails_if_its_message_cannot_be_queued()
    {
        var session = await NewSessionAsync();

        await IsUnavailableAsync(() => MembershipStore.DeleteSessionAsync(Account, session, Precondition.None, CancellationToken.None));
    }

    [Fact]
    public async Task Deleting_a_member_fails_if_its_message_cannot_be_queued()
    {
        var (_, participant) = await NewMemberAsync();

        await IsUnavailableAsync(() => MembershipStore.DeleteParticipantAsync(Account, participant, Precondition.None, CancellationToken.None));
    }

    [Fact]
    public async Task A_sweep_keeps_an_expired_session_until_its_message_can_be_queued()
    {
        var time = new Clock();
        time.Advance(Options.SessionLifetime + Sweeper.Grace + TimeSpan.FromHours(2));
        var session = await NewSessionAsync();

        await IsUnavailableAsync(() => new Sweeper(Scripted.Tables, Options.EventRetention, time, Queue).SweepAsync(100, CancellationToken.None));
        Assert.NotNull(await HeaderRow.FindAsync(Scripted.Tables.Sessions, Account, session, CancellationToken.None));

        _isBroken = false;
        await new Sweeper(Scripted.Tables, Options.EventRetention, time, Queue).SweepAsync(100, CancellationToken.None);
        Assert.Null(await HeaderRow.FindAsync(Scripted.Tables.Sessions, Account, session, CancellationToken.None));
    }

    private async Task IsUnavailableAsync(Func<Task> change)
    {
        _isBroken = true;
        await Assert.ThrowsAsync<StorageUnavailableException>(change);
    }
}
