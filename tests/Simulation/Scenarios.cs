using static Sessions.Tests.Simulation.OperationKind;
using static Sessions.Tests.Simulation.StartStates;

namespace Sessions.Tests.Simulation;

/// <summary>The families of scenarios that are explored.</summary>
internal static class Scenarios
{
    private static readonly Operation TheSweep = new(Sweep);

    private static readonly Operation[] OfOneParticipant =
    [
        new(Join, 1, 1), new(Join, 1, 1, "a"), new(Join, 1, 2, "b"), new(Leave, 1, 1), new(Update, 1, 1, "c"), new(Update, 1, 2, "d"),
        new(DeleteParticipant, 1), new(DeleteSession, Session: 1), new(GetParticipant, 1), new(List, Session: 1),
    ];

    private static readonly Operation[] ForTheLastPlace =
    [
        new(Join, 1, 1), new(Join, 3, 1), new(Update, 1, 1, "a"), new(Leave, 2, 1), new(Leave, 1, 1),
        new(DeleteParticipant, 1), new(DeleteParticipant, 2), new(DeleteSession, Session: 1), new(GetParticipant, 1), new(List, Session: 1),
    ];

    private static readonly Operation[] ChangesOfOneParticipant =
    [
        new(Join, 1, 1), new(Join, 1, 2, "b"), new(Leave, 1, 1), new(Update, 1, 1, "c"), new(DeleteParticipant, 1), new(DeleteSession, Session: 1),
    ];

    private static readonly Operation[] ChangesForTheLastPlace =
    [
        new(Join, 1, 1), new(Join, 3, 1, "b"), new(Leave, 2, 1), new(Update, 1, 1, "c"), new(DeleteParticipant, 2), new(DeleteSession, Session: 1),
    ];

    private static readonly Operation[] OfAKeyedParticipant =
    [
        new(CreateParticipant, Ids.Keyed), new(DeleteParticipant, Ids.Keyed), new(Join, Ids.Keyed, 1), new(GetParticipant, Ids.Keyed),
    ];

    private static readonly Operation[] OfAKeyedSession =
    [
        new(CreateSession, Session: Ids.Keyed), new(DeleteSession, Session: Ids.Keyed), new(Join, 1, Ids.Keyed), new(List, Session: Ids.Keyed),
    ];

    public static IReadOnlyList<StartState> Starts { get; } = [Apart, Member, Claimant, Stranded, OnePlace];

    /// <summary>Every two operations, also one twice.</summary>
    public static IEnumerable<Scenario> Pairs(StartState start)
    {
        var operations = Operations(start);
        return operations.SelectMany((first, index) => operations.Skip(index).Select(second => new Scenario(start, [first, second])));
    }

    /// <summary>Every three changes, also one twice or three times.</summary>
    public static IEnumerable<Scenario> Triples(StartState start) => Triples(start, Changes(start));

    /// <summary>A sweep beside each operation or another sweep, with queries in one page and in pages of one row.</summary>
    public static IEnumerable<Scenario> BesideASweep(StartState start)
        => from other in Operations(start).Append(TheSweep)
           from pageSize in new[] { int.MaxValue, 1 }
           select new Scenario(start, [TheSweep, other]) { PageSize = pageSize };

    /// <summary>A sweep beside every two changes, one of which may be another sweep.</summary>
    public static IEnumerable<Scenario> TwoBesideASweep(StartState start)
        => Triples(start, [TheSweep, .. Changes(start)]).Where(triple => triple.Operations[0] == TheSweep);

    /// <summary>Three requests for what is created with an idempotency key: twice, or once and others.</summary>
    public static IEnumerable<Scenario> Keyed() => Triples(Keyless, OfAKeyedParticipant).Concat(Triples(Keyless, OfAKeyedSession));

    /// <summary>Each change under each condition, beside every change.</summary>
    public static IEnumerable<Scenario> Conditional(StartState start)
        => from conditional in Changes(start)
           from tag in Tags(conditional, start.State)
           from other in Changes(start)
           select new Scenario(start, [conditional with { IfMatch = tag }, other]);

    /// <summary>A list in pages beside every change, and beside two.</summary>
    public static IEnumerable<Scenario> InPages(StartState start)
    {
        Operation list = new(List, Session: 1);
        var changes = Changes(start);
        return changes.Select(change => new Scenario(start, [list, change]) { PageSize = 1 })
            .Concat(changes.SelectMany((first, index) => changes.Skip(index).Select(
                second => new Scenario(start, [list, first, second]) { PageSize = 1, MaxFaults = 0, MaxSetbacks = 1 })));
    }

    private static IEnumerable<Scenario> Triples(StartState start, Operation[] operations)
        => from first in Enumerable.Range(0, operations.Length)
           from second in Enumerable.Range(first, operations.Length - first)
           from third in Enumerable.Range(second, operations.Length - second)
           select new Scenario(start, [operations[first], operations[second], operations[third]]) { MaxSetbacks = 1 };

    private static Operation[] Operations(StartState start)
        => start.Partitions.Contains(StartState.Keyed(CreateParticipant)) ? OfAKeyedParticipant
            : start.Partitions.Contains(StartState.Keyed(CreateSession)) ? OfAKeyedSession
            : start.Options.ParticipantsPerSession < 3 ? ForTheLastPlace
            : OfOneParticipant;

    /// <summary>Those of a keyed participant or session are few: all of them.</summary>
    private static Operation[] Changes(StartState start) => Operations(start) switch
    {
        var operations when operations == ForTheLastPlace => ChangesForTheLastPlace,
        var operations when operations == OfOneParticipant => ChangesOfOneParticipant,
        var operations => operations,
    };

    /// <summary>The tag that is current at the start, one that is not, and any.</summary>
    private static IEnumerable<string> Tags(Operation operation, State state)
        => [(operation.Kind == DeleteSession ? state.TagOfSession(operation.Session) : state.TagOfParticipant(operation.Participant))!, "another", Operation.AnyTag];
}
