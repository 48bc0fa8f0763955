using System.Globalization;
using Azure;
using Azure.Data.Tables;
using Sessions.Storage;

namespace Sessions.Tests.Simulation;

/// <summary>The initial rows, in the product's own form.</summary>
internal sealed class StartState
{
    public static readonly DateTimeOffset Now = new(2030, 1, 1, 0, 0, 0, TimeSpan.Zero);

    /// <summary>When the resource that ends early expires.</summary>
    public static readonly DateTimeOffset End = Now.AddMinutes(30);

    /// <summary>When the resources that a sweep deletes expired.</summary>
    public static readonly DateTimeOffset LongAgo = Now - Sweeper.Grace - TimeSpan.FromHours(1);

    public static readonly DateTimeOffset Later = Now.AddHours(1);

    /// <summary>When everything has expired, including the idempotency keys.</summary>
    public static readonly DateTimeOffset EndOfAll = Now.AddYears(1);

    /// <summary>When the events that a sweep wrote at that time have also expired.</summary>
    public static readonly DateTimeOffset EndOfEvents = EndOfAll.AddDays(30);

    private readonly SimulatedRows _rows = new();
    private readonly WriteIds _writeIds = new(0);
    private readonly HashSet<(string Table, string PartitionKey)> _partitions = [];
    private readonly Dictionary<int, MemberSet> _members = [];
    private readonly IReadOnlyCollection<(string Table, string PartitionKey)> _ended;
    private int _writes;

    /// <summary>
    /// Creates this number of participants and sessions. <paramref name="ending"/> is the partition of the resource that expires early.
    /// <paramref name="ended"/> are the partitions of the resources that expired long ago.
    /// </summary>
    public StartState(
        string name,
        int participantsPerSession,
        int participants,
        int sessions,
        (string Table, string PartitionKey)? ending = null,
        params IReadOnlyCollection<(string Table, string PartitionKey)> ended)
    {
        (Name, Options, Ending, _ended) = (name, OptionsFor(participantsPerSession), ending, ended);
        for (var number = 1; number <= participants; number++)
            AddIndexed(NewParticipant(number, EndOf(Participant(number))));
        for (var number = 1; number <= sessions; number++)
            AddIndexed(NewSession(number, EndOf(Session(number))));
    }

    public string Name { get; }

    public SessionsOptions Options { get; }

    public (string Table, string PartitionKey)? Ending { get; }

    public SimulatedRows Rows => new(_rows);

    public State State { get; private set; } = State.Empty;

    public IReadOnlySet<(string Table, string PartitionKey)> Partitions => _partitions;

    public static (string Table, string PartitionKey) Participant(int number) => ("participants", Keys.Partition(Request.Account, Ids.Participant(number)));

    public static (string Table, string PartitionKey) Session(int number) => ("sessions", Keys.Partition(Request.Account, Ids.Session(number)));

    /// <summary>The partition of the resource that a creation with a key creates.</summary>
    public static (string Table, string PartitionKey) Keyed(OperationKind creation)
        => creation == OperationKind.CreateSession ? Session(Ids.Keyed) : Participant(Ids.Keyed);

    public static TableCall NewParticipant(int number, DateTimeOffset? end = null) => Call(
        Participant(number),
        ChangeKind.Add,
        new ParticipantRow(Ids.Participant(number), FieldsOf(number), Now, end ?? Later).ToEntity(Request.Account));

    public static TableCall NewSession(int number, DateTimeOffset? end = null) => Call(
        Session(number),
        ChangeKind.Add,
        new HeaderRow(Ids.Session(number), null, Now, end ?? Later).ToEntity(Request.Account));

    /// <summary>Also reads the partitions of the resources that are created with a key.</summary>
    public StartState BeforeKeyed()
    {
        _partitions.UnionWith([Keyed(OperationKind.CreateParticipant), Keyed(OperationKind.CreateSession)]);
        return this;
    }

    /// <summary>
    /// Adds a participant or session that was created with a key. The key is valid until <paramref name="keyEnd"/>. There is an index row
    /// for each of the times <paramref name="indexed"/> at which the resource expires or once expired.
    /// </summary>
    public StartState Created(OperationKind creation, DateTimeOffset keyEnd, params IReadOnlyCollection<DateTimeOffset> indexed)
    {
        var partition = Keyed(creation);
        var call = creation == OperationKind.CreateSession ? NewSession(Ids.Keyed, EndOf(partition)) : NewParticipant(Ids.Keyed, EndOf(partition));
        var marker = IdempotencyMarker.Beside(call.Changes[0].Columns!, keyEnd);
        Add(call with { Changes = [call.Changes[0], new(ChangeKind.Add, marker.RowKey, ETag.All, marker)] });
        foreach (var time in indexed)
            AddIndexRow(partition, time);
        return this;
    }

    /// <summary>Adds only the idempotency marker of a resource that is gone. The marker expired long ago.</summary>
    public StartState Gone(OperationKind creation)
    {
        var partition = Keyed(creation);
        var created = (creation == OperationKind.CreateSession ? NewSession(Ids.Keyed) : NewParticipant(Ids.Keyed)).Changes[0].Columns!;
        Add(Call(partition, ChangeKind.Add, IdempotencyMarker.Beside(created, LongAgo)));
        AddIndexRow(partition, LongAgo);
        return this;
    }

    public StartState Claiming(int participant, int session)
    {
        Add(Call(
            Participant(participant),
            ChangeKind.Merge,
            ParticipantRow.ClaimChange(Request.Account, Ids.Participant(participant), Ids.Session(session), Predecessors.None)));
        return this;
    }

    public StartState Joined(int participant, int session)
    {
        Claiming(participant, session);
        var end = EndOf(Participant(participant)) < EndOf(Session(session)) ? EndOf(Participant(participant)) : EndOf(Session(session));
        _members[session] = _members.GetValueOrDefault(session, MemberSet.Empty).With(new(Ids.Participant(participant), end));
        var number = _members[session].Entries.Count + 1;
        var header = HeaderRow.MembersChange(Request.Account, Ids.Session(session), _members[session], number, Guid.NewGuid());
        var member = new MemberRow(Ids.Participant(participant), FieldsOf(participant), Ids.Subscriptions(Model.None), Now, end)
            .ToEntity(Request.Account, Ids.Session(session));
        Add(new(Session(session).Table, Session(session).PartitionKey, null,
        [
            new(ChangeKind.Merge, header.RowKey, ETag.All, header), new(ChangeKind.Add, member.RowKey, ETag.All, member),
        ]));
        return this;
    }

    private static ParticipantFields FieldsOf(int participant) => ParticipantFields.Of(Ids.Participant(participant), Sessions.Model.NewParticipant.Default);

    private static SessionsOptions OptionsFor(int participantsPerSession) => TestOptions.With(
        ("Sessions:ParticipantsPerSession", participantsPerSession.ToString(CultureInfo.InvariantCulture)));

    private static TableCall Call((string Table, string PartitionKey) partition, ChangeKind kind, TableEntity row)
        => new(partition.Table, partition.PartitionKey, null, [new(kind, row.RowKey, ETag.All, row)]);

    private DateTimeOffset EndOf((string Table, string PartitionKey) partition)
        => partition == Ending ? End : _ended.Contains(partition) ? LongAgo : Later;

    private void AddIndexed(TableCall call)
    {
        Add(call);
        AddIndexRow(call.Partition, EndOf(call.Partition));
    }

    private void AddIndexRow((string Table, string PartitionKey) partition, DateTimeOffset time)
    {
        var index = Keys.Index(time, partition.PartitionKey);
        Write(Call((partition.Table, index), ChangeKind.Add, new IndexRow(index, partition.PartitionKey).ToEntity()));
    }

    private void Write(TableCall call)
    {
        if (!_rows.Execute(_writeIds.Name(call), new(string.Create(CultureInfo.InvariantCulture, $"0.{++_writes}"))).Succeeded)
            throw new InvalidOperationException($"The start state {Name} cannot be built.");
    }

    private void Add(TableCall call)
    {
        Write(call);
        _partitions.Add(call.Partition);
        State = StateReader.Read(_rows, call.Partition, State, Now, Options.ParticipantsPerSession);
    }
}
