using Azure;
using Azure.Data.Tables;
using Moq;
using Sessions.Model;
using Sessions.Security;
using Sessions.Storage;

namespace Sessions.Tests;

/// <summary>A cancelled request cancels its storage calls, because each of them has the request's token.</summary>
public sealed class CancellationTests : IDisposable
{
    private static readonly AccountId Account = AccountId.Parse("account");
    private static readonly Subscriptions ToOne = new(null, [new($"{Guid.Empty}", null)]);

    private static readonly SessionsOptions Options = TestOptions.Default;

    private readonly CancellationTokenSource _request = new();
    private readonly ScriptedTables _scripted = new();
    private readonly Dictionary<string, Mock<TableClient>> _observed = [];
    private readonly Tables _tables;

    public CancellationTests() => _tables = new(Observe);

    public static TheoryData<string> Operations => [.. Calls.Keys];

    private static Dictionary<string, Func<CancellationTests, CancellationToken, Task>> Calls { get; } = new()
    {
        ["create a session"] = (test, token) => test.Sessions.CreateAsync(Account, new("tag"), null, token),
        ["create a session once"] = (test, token) => test.Sessions.CreateAsync(Account, new("tag"), "key", token),
        ["get a session"] = (test, token) => test.Sessions.GetAsync(Account, test.Session, token),
        ["list a session"] = (test, token) => test.Sessions.ListParticipantsAsync(Account, test.Session, token),
        ["delete a session"] = (test, token) => test.Memberships.DeleteSessionAsync(Account, test.Session, Precondition.None, token),
        ["create a participant"] = (test, token) => test.Participants.CreateAsync(Account, NewParticipant.Default, null, token),
        ["create a participant once"] = (test, token) => test.Participants.CreateAsync(Account, NewParticipant.Default, "key", token),
        ["get a participant"] = (test, token) => test.Participants.GetAsync(Account, test.Member, token),
        ["delete a participant"] = (test, token) => test.Memberships.DeleteParticipantAsync(Account, test.Member, Precondition.None, token),
        ["delete a participant if"] = (test, token) => test.Memberships.DeleteParticipantAsync(Account, test.Member, Precondition.AnyState, token),
        ["join"] = (test, token) => test.Memberships.JoinAsync(Account, test.Session, test.Outsider, null, Precondition.None, token),
        ["join if"] = (test, token) => test.Memberships.JoinAsync(Account, test.Session, test.Outsider, null, Precondition.AnyState, token),
        ["join again"] = (test, token) => test.Memberships.JoinAsync(Account, test.Session, test.Member, ToOne, Precondition.None, token),
        ["join another"] = (test, token) => test.Memberships.JoinAsync(Account, test.OtherSession, test.Member, null, Precondition.None, token),
        ["join with a stale claim"] = (test, token) => test.Memberships.JoinAsync(Account, test.OtherSession, test.Claiming, null, Precondition.None, token),
        ["leave"] = (test, token) => test.Memberships.LeaveAsync(Account, test.Session, test.Member, Precondition.None, token),
        ["leave if"] = (test, token) => test.Memberships.LeaveAsync(Account, test.Session, test.Member, Precondition.AnyState, token),
        ["get subscriptions"] = (test, token) => test.Memberships.GetSubscriptionsAsync(Account, test.Session, test.Member, token),
        ["update subscriptions"] = (test, token) => test.UpdateAsync(test.Member, Precondition.None, token),
        ["update subscriptions if"] = (test, token) => test.UpdateAsync(test.Member, Precondition.AnyState, token),
        ["update subscriptions and join"] = (test, token) => test.UpdateAsync(test.Outsider, Precondition.None, token),
        ["add a user"] = (test, token) => test.Credentials.AddAsync(Account, "new", Secret(2), token),
        ["find a user"] = (test, token) => test.Credentials.FindAsync(Account, "user", token),
        ["list users"] = async (test, token) => await test.Credentials.ListAsync(Account, token).ToListAsync(token),
        ["rotate a secret"] = (test, token) => test.Credentials.RotateAsync(Account, "user", Secret(3).SecretHash, TimeSpan.Zero, token),
        ["remove a user"] = (test, token) => test.Credentials.RemoveAsync(Account, "user", token),
        ["save a user"] = (test, token) => test.Credentials.SaveAsync(Account, "user", Secret(4), token),
        ["create the tables"] = (test, token) => test._tables.CreateAsync(token),
        ["check the tables"] = (test, token) => Tables.CheckAsync(test._tables.All, token),
    };

    private SessionStore Sessions => new(_tables, Options, TimeProvider.System, EventQueue.None);

    private ParticipantStore Participants => new(_tables, Options, TimeProvider.System, EventQueue.None);

    private MembershipStore Memberships => new(_tables, Options, TimeProvider.System, EventQueue.None);

    private CredentialStore Credentials => new(_tables, TimeProvider.System);

    private SessionId Session { get; set; }

    private SessionId OtherSession { get; set; }

    private ParticipantId Member { get; set; }

    private ParticipantId Outsider { get; set; }

    /// <summary>A participant that claims the session and is not a member of it.</summary>
    private ParticipantId Claiming { get; set; }

    [Theory]
    [MemberData(nameof(Operations))]
    public async Task Every_storage_call_uses_the_cancellation_token_of_its_request(string operation)
    {
        await PrepareAsync();

        await Calls[operation](this, _request.Token);

        AllHaveTheToken();
    }

    [Theory]
    [MemberData(nameof(Operations))]
    public async Task Every_storage_call_uses_the_token_when_writes_are_rejected_and_repeated(string operation)
        => await WithFirstWritesAnsweredAsync(operation, _ => ScriptedTables.Busy);

    [Theory]
    [MemberData(nameof(Operations))]
    public async Task Every_storage_call_uses_the_token_when_responses_to_writes_are_lost(string operation)
        => await WithFirstWritesAnsweredAsync(operation, call =>
        {
            _scripted.Do(call);
            return Simulation.TableAnswer.Lost;
        });

    [Fact]
    public async Task Every_storage_call_of_a_sweep_uses_its_cancellation_token()
    {
        await PrepareAsync();
        var tomorrow = new Clock();
        tomorrow.Advance(TimeSpan.FromDays(1));

        Assert.Equal(6, await new Sweeper(_tables, SessionsOptions.DefaultEventRetention, tomorrow, EventQueue.None).SweepAsync(10, _request.Token));

        AllHaveTheToken();
    }

    public void Dispose() => _request.Dispose();

    private async Task WithFirstWritesAnsweredAsync(string operation, Func<Simulation.TableCall, Simulation.TableAnswer> answer)
    {
        await PrepareAsync();
        foreach (var rowKey in new[] { ScriptedTables.AnyIndexRow, Keys.Header, Keys.Participant, Keys.Member(Member), Keys.User("user"), Keys.User("new") })
            _scripted.Answer(rowKey, answer);

        // After such a response the result can be unknown. The request then returns 503.
        if (await Record.ExceptionAsync(() => Calls[operation](this, _request.Token)) is { } exception)
            Assert.IsType<StorageUnavailableException>(exception);

        AllHaveTheToken();
    }

    private void AllHaveTheToken()
    {
        var calls =
            (from table in _observed.Values
             from call in table.Invocations
             from token in call.Arguments.OfType<CancellationToken>()
             select (call.Method.Name, Token: token)).ToList();
        Assert.NotEmpty(calls);
        Assert.All(calls, call => Assert.True(call.Token == _request.Token, call.Name));
    }

    private Task<Outcome> UpdateAsync(ParticipantId participant, Precondition precondition, CancellationToken token)
        => Memberships.UpdateSubscriptionsAsync(Account, Session, participant, ToOne, precondition, token);

    private async Task PrepareAsync()
    {
        (Session, OtherSession) = (await CreateSessionAsync(), await CreateSessionAsync());
        (Member, Outsider, Claiming) = (await CreateParticipantAsync(), await CreateParticipantAsync(), await CreateParticipantAsync());
        await Memberships.JoinAsync(Account, Session, Member, null, Precondition.None, CancellationToken.None);
        await _tables.Participants.UpdateEntityAsync(ParticipantRow.ClaimChange(Account, Claiming, Session, Predecessors.None), ETag.All);
        await Credentials.AddAsync(Account, "user", Secret(1), CancellationToken.None);
        foreach (var table in _observed.Values)
            table.Invocations.Clear();
    }

    private async Task<SessionId> CreateSessionAsync()
        => new(Guid.Parse((await Sessions.CreateAsync(Account, new("tag"), null, CancellationToken.None)).Session!.Id));

    private async Task<ParticipantId> CreateParticipantAsync()
        => new(Guid.Parse((await Participants.CreateAsync(Account, NewParticipant.Default, null, CancellationToken.None)).Participant!.Id));

    private static Credential Secret(byte hash) => new([hash], Access.Write);

    /// <summary>A table that records each call and executes it on the scripted table.</summary>
    private TableClient Observe(string name)
    {
        var table = _scripted.Tables.All.Single(table => table.Name == name);
        var observed = _observed[name] = new();
        observed.Setup(one => one.Name).Returns(name);
        observed.Setup(one => one.AddEntityAsync(It.IsAny<TableEntity>(), It.IsAny<CancellationToken>()))
            .Returns((TableEntity row, CancellationToken token) => table.AddEntityAsync(row, token));
        observed.Setup(one => one.UpdateEntityAsync(It.IsAny<TableEntity>(), It.IsAny<ETag>(), It.IsAny<TableUpdateMode>(), It.IsAny<CancellationToken>()))
            .Returns((TableEntity row, ETag etag, TableUpdateMode mode, CancellationToken token) => table.UpdateEntityAsync(row, etag, mode, token));
        observed.Setup(one => one.SubmitTransactionAsync(It.IsAny<IEnumerable<TableTransactionAction>>(), It.IsAny<CancellationToken>()))
            .Returns((IEnumerable<TableTransactionAction> actions, CancellationToken token) => table.SubmitTransactionAsync(actions, token));
        observed.Setup(one => one.GetEntityIfExistsAsync<TableEntity>(
                It.IsAny<string>(), It.IsAny<string>(), It.IsAny<IEnumerable<string>>(), It.IsAny<CancellationToken>()))
            .Returns((string partitionKey, string rowKey, IEnumerable<string> select, CancellationToken token)
                => table.GetEntityIfExistsAsync<TableEntity>(partitionKey, rowKey, select, token));
        observed.Setup(one => one.QueryAsync<TableEntity>(
                It.IsAny<string>(), It.IsAny<int?>(), It.IsAny<IEnumerable<string>>(), It.IsAny<CancellationToken>()))
            .Returns((string filter, int? maxPerPage, IEnumerable<string> select, CancellationToken token)
                => filter is null
                    ? AsyncPageable<TableEntity>.FromPages([])
                    : table.QueryAsync<TableEntity>(filter, maxPerPage, select, token));
        return observed.Object;
    }
}
