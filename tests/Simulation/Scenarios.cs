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

    /// <summary>Every pair of operations, including two of the same.</summary>
    public static IEnumerable<Scenario> Pairs(StartState start)
    {
        var operations = Operations(start);
        return operations.SelectMany((first, index) => operations.Skip(index).Select(second => new Scenario(start, [first, second])));
    }

    /// <summary>Every combination of three changes, including two or three of the same.</summary>
    public static IEnumerable<Scenario> Triples(StartState start) => Triples(start, Changes(start));

    /// <summary>A sweep concurrent with each operation or with another sweep, with queries in one page and in pages of one row.</summary>
    public static IEnumerable<Scenario> BesideASweep(StartState start)
        => from other in Operations(start).Append(TheSweep)
           from pageSize in new[] { int.MaxValue, 1 }
           select new Scenario(start, [TheSweep, other]) { PageSize = pageSize };

    /// <summary>A sweep concurrent with every two changes, one of which may be another sweep.</summary>
    public static IEnumerable<Scenario> TwoBesideASweep(StartState start)
        => Triples(start, [TheSweep, .. Changes(start)]).Where(triple => triple.Operations[0] == TheSweep);

    /// <summary>
    /// Three requests for a resource that is created with an idempotency key, either with two creations, or with one creation and other
    /// requests.
    /// </summary>
    public static IEnumerable<Scenario> Keyed() => Triples(Keyless, OfAKeyedParticipant).Concat(Triples(Keyless, OfAKeyedSession));

    /// <summary>Each change under each condition, concurrent with every change.</summary>
    public static IEnumerable<Scenario> Conditional(StartState start)
        => from conditional in Changes(start)
           from tag in Tags(conditional, start.State)
           from other in Changes(start)
           select new Scenario(start, [conditional with { IfMatch = tag }, other]);

    /// <summary>A list in pages, concurrent with every change and with every two changes.</summary>
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

    /// <summary>
    /// The changes among the operations. For a participant or session with an idempotency key there are only few, so these are all
    /// operations.
    /// </summary>
    private static Operation[] Changes(StartState start) => Operations(start) switch
    {
        var operations when operations == ForTheLastPlace => ChangesForTheLastPlace,
        var operations when operations == OfOneParticipant => ChangesOfOneParticipant,
        var operations => operations,
    };

    /// <summary>The tag that is current at the start, another tag, and any tag.</summary>
    private static IEnumerable<string> Tags(Operation operation, State state)
        => [(operation.Kind == DeleteSession ? state.TagOfSession(operation.Session) : state.TagOfParticipant(operation.Participant))!, "another", Operation.AnyTag];
}
