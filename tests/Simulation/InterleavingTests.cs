using static Sessions.Tests.Simulation.OperationKind;

namespace Sessions.Tests.Simulation;

/// <summary>
/// Every interleaving of a few requests, with at most one crash or lost answer in each. The environment variable
/// <c>SIMULATION_SETBACKS</c> follows requests through as many more setbacks.
/// </summary>
public abstract class InterleavingTests(ITestOutputHelper output)
{
    private static readonly StartState Apart = new("P1 in no session", 20, participants: 1, sessions: 2);
    private static readonly StartState Member = new StartState("P1 in S1", 20, participants: 1, sessions: 2).Joined(1, 1);
    private static readonly StartState Claimant = new StartState("P1 claims S1", 20, participants: 1, sessions: 2).Claiming(1, 1);
    private static readonly StartState Stranded = new StartState("P1 claims a session that is gone", 20, participants: 1, sessions: 2).Claiming(1, 3);
    private static readonly StartState OnePlace = new StartState("one place left in S1", 2, participants: 3, sessions: 1).Joined(2, 1);

    private static int MoreSetbacks => Setting.Number("SIMULATION_SETBACKS") ?? 0;

    private Task ExploreAsync(IEnumerable<Scenario> scenarios) => Task.Run(() =>
    {
        var counts = new Counts();
        foreach (var scenario in scenarios)
            Exploration.Run(scenario with { MaxSetbacks = scenario.MaxSetbacks + MoreSetbacks }, counts);
        output.WriteLine(counts.ToString());
    });

    public sealed class OfTwo(ITestOutputHelper output) : InterleavingTests(output)
    {
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

        [Fact]
        public Task Two_requests_of_a_participant_in_no_session() => ExploreAsync(Pairs(Apart, OfOneParticipant));

        [Fact]
        public Task Two_requests_of_a_member() => ExploreAsync(Pairs(Member, OfOneParticipant));

        [Fact]
        public Task Two_requests_of_a_participant_with_a_stale_claim() => ExploreAsync(Pairs(Claimant, OfOneParticipant));

        [Fact]
        public Task Two_requests_of_a_participant_with_a_claim_on_a_session_that_is_gone() => ExploreAsync(Pairs(Stranded, OfOneParticipant));

        [Fact]
        public Task Two_requests_to_a_session_with_one_place_left() => ExploreAsync(Pairs(OnePlace, ForTheLastPlace));

        private static IEnumerable<Scenario> Pairs(StartState start, Operation[] operations)
            => operations.SelectMany((first, index) => operations.Skip(index).Select(second => new Scenario(start, [first, second])));
    }

    public sealed class OfThree(ITestOutputHelper output) : InterleavingTests(output)
    {
        [Fact]
        public Task Joins_to_two_sessions_and_a_deletion_of_the_participant()
            => ExploreAsync(Triple(Apart, new(Join, 1, 1), new(Join, 1, 2), new(DeleteParticipant, 1)));

        [Fact]
        public Task Joins_to_two_sessions_and_a_deletion_of_one()
            => ExploreAsync(Triple(Apart, new(Join, 1, 1), new(Join, 1, 2), new(DeleteSession, Session: 1)));

        [Fact]
        public Task A_join_a_leave_and_a_join() => ExploreAsync(
        [
            .. Triple(Apart, new(Join, 1, 1), new(Leave, 1, 1), new(Join, 1, 1)),
            .. Triple(Member, new(Join, 1, 1), new(Leave, 1, 1), new(Join, 1, 1)),
            .. Triple(Member, new(Join, 1, 2), new(Leave, 1, 1), new(Join, 1, 1)),
            .. Triple(Member, new(Update, 1, 1, "a"), new(Leave, 1, 1), new(Update, 1, 1, "b")),
        ]);

        [Fact]
        public Task Two_joins_for_the_last_place_and_a_leave() => ExploreAsync(Triple(OnePlace, new(Join, 1, 1), new(Join, 3, 1), new(Leave, 2, 1)));

        /// <summary>More setbacks without faults, because each multiplies the schedules.</summary>
        private static Scenario[] Triple(StartState start, params Operation[] operations)
            => [new(start, operations) { MaxSetbacks = 1 }, new(start, operations) { WithFaults = false }];
    }
}
