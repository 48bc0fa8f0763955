using static Sessions.Tests.Simulation.OperationKind;
using static Sessions.Tests.Simulation.StartStates;

namespace Sessions.Tests.Simulation;

/// <summary>
/// Every interleaving of a few requests, with crashes, lost responses and late writes. For the larger families, a test run explores only a
/// part. The environment variable <c>SIMULATION_SEED</c> selects another part, and <c>SIMULATION=full</c> explores all of them.
/// <c>SIMULATION_SETBACKS</c> adds to the number of retries up to which a request is followed.
/// </summary>
public abstract class InterleavingTests(ITestOutputHelper output)
{
    private static readonly bool IsFull = Environment.GetEnvironmentVariable("SIMULATION") == "full";

    private static int MoreSetbacks => Setting.Number("SIMULATION_SETBACKS") ?? 0;

    private protected Task ExploreAsync(IEnumerable<Scenario> scenarios, Counts atLeast) => Task.Run(() =>
    {
        var counts = new Counts();
        foreach (var scenario in scenarios)
            Exploration.Run(scenario with { MaxSetbacks = scenario.MaxSetbacks + MoreSetbacks }, counts);
        output.WriteLine(counts.ToString());
        Assert.True(counts.Reaches(atLeast), $"Explored were {counts}, and once it was {atLeast}.");
    });

    /// <summary>Explores scenarios until this many states have been seen, or all of them.</summary>
    private protected Task ExplorePartAsync(IEnumerable<Scenario> scenarios, int states) => Task.Run(() =>
    {
        var seed = Setting.Seed;
        var order = scenarios.OrderBy(scenario => Fingerprint.Of(scenario.ToString(), $"{seed}")).ToList();
        var counts = new Counts();
        Parallel.ForEach(order, new ParallelOptions { MaxDegreeOfParallelism = IsFull ? Environment.ProcessorCount : 1 }, (scenario, run) =>
        {
            var own = new Counts();
            Exploration.Run(scenario, own);
            lock (counts)
                counts.Add(own);
            if (!IsFull && counts.States >= states)
                run.Stop();
        });
        output.WriteLine($"SIMULATION_SEED={seed}, {order.Count} scenarios in all: {counts}");
        Assert.True(counts.Scenarios == order.Count || (!IsFull && counts.States >= states), $"Explored were only {counts}.");
    });

    public sealed class OfTwo(ITestOutputHelper output) : InterleavingTests(output)
    {
        [Fact]
        public Task Two_requests_of_a_participant_in_no_session() => ExploreAsync(
            Scenarios.Pairs(Apart), new() { Scenarios = 55, States = 72_800, Crashes = 5_800, Lost = 2_350, Late = 8_600 });

        [Fact]
        public Task Two_requests_of_a_member() => ExploreAsync(
            Scenarios.Pairs(Member), new() { Scenarios = 55, States = 21_500, Crashes = 3_200, Lost = 1_050, Late = 3_300 });

        [Fact]
        public Task Two_requests_of_a_participant_with_a_stale_claim() => ExploreAsync(
            Scenarios.Pairs(Claimant), new() { Scenarios = 55, States = 137_900, Crashes = 9_700, Lost = 4_350, Late = 14_700 });

        [Fact]
        public Task Two_requests_of_a_participant_with_a_claim_on_a_deleted_session() => ExploreAsync(
            Scenarios.Pairs(Stranded), new() { Scenarios = 55, States = 79_300, Crashes = 6_600, Lost = 2_500, Late = 9_500 });

        [Fact]
        public Task Two_requests_to_a_session_with_one_place_left() => ExploreAsync(
            Scenarios.Pairs(OnePlace), new() { Scenarios = 55, States = 27_900, Crashes = 3_050, Lost = 1_150, Late = 4_550 });
    }

    public sealed class OfThree(ITestOutputHelper output) : InterleavingTests(output)
    {
        [Fact]
        public Task Joins_to_two_sessions_and_a_deletion_of_the_participant() => ExploreAsync(
            Deep(Apart, new(Join, 1, 1), new(Join, 1, 2), new(DeleteParticipant, 1)), new() { Scenarios = 1, States = 125_000 });

        [Fact]
        public Task A_join_a_leave_and_a_join() => ExploreAsync(
            [
                .. Deep(Apart, new(Join, 1, 1), new(Leave, 1, 1), new(Join, 1, 1)),
                .. Deep(Member, new(Join, 1, 1), new(Leave, 1, 1), new(Join, 1, 1)),
                .. Deep(Member, new(Join, 1, 2), new(Leave, 1, 1), new(Join, 1, 1)),
                .. Deep(Member, new(Update, 1, 1, "a"), new(Leave, 1, 1), new(Update, 1, 1, "b")),
            ],
            new() { Scenarios = 4, States = 10_300 });

        [Fact]
        public Task Two_joins_for_the_last_place_and_a_leave() => ExploreAsync(
            Deep(OnePlace, new(Join, 1, 1), new(Join, 3, 1), new(Leave, 2, 1)), new() { Scenarios = 1, States = 830 });

        /// <summary>More retries, without faults, because each retry multiplies the number of schedules.</summary>
        private static Scenario[] Deep(StartState start, params Operation[] operations) => [new(start, operations) { MaxFaults = 0 }];
    }

    public sealed class OfAnyThree(ITestOutputHelper output) : InterleavingTests(output)
    {
        [Fact]
        public Task Any_three_changes_with_a_fault() => ExplorePartAsync(Scenarios.Starts.SelectMany(Scenarios.Triples), states: 100_000);
    }

    public sealed class WithTwoFaults(ITestOutputHelper output) : InterleavingTests(output)
    {
        [Fact]
        public Task Two_requests_with_two_faults() => ExplorePartAsync(
            Scenarios.Starts.SelectMany(Scenarios.Pairs).Select(pair => pair with { MaxFaults = 2 }), states: 100_000);
    }

    public sealed class WithConditions(ITestOutputHelper output) : InterleavingTests(output)
    {
        [Fact]
        public Task A_conditional_change_and_another_change() => ExplorePartAsync(
            Scenarios.Starts.SelectMany(Scenarios.Conditional), states: 100_000);
    }

    public sealed class WithAnEnd(ITestOutputHelper output) : InterleavingTests(output)
    {
        [Fact]
        public Task Two_requests_while_a_session_or_participant_expires() => ExplorePartAsync(Ending.Concat(KeyedEnding).SelectMany(Scenarios.Pairs), states: 100_000);
    }

    public sealed class WithASweep(ITestOutputHelper output) : InterleavingTests(output)
    {
        [Fact]
        public Task A_sweep_and_a_request() => ExploreAsync(
            Ended.Concat(KeyedEnded).Concat(KeyGone).SelectMany(Scenarios.BesideASweep), new() { Scenarios = 168, States = 138_600, Crashes = 25_500, Lost = 12_100, Late = 51_900, Pages = 5_500 });

        [Fact]
        public Task A_sweep_and_two_changes() => ExplorePartAsync(
            Ended.Concat(KeyedEnded).Concat(KeyGone).SelectMany(Scenarios.TwoBesideASweep), states: 100_000);
    }

    public sealed class WithKeys(ITestOutputHelper output) : InterleavingTests(output)
    {
        [Fact]
        public Task Creations_with_an_idempotency_key_and_changes_of_the_created_resource() => ExploreAsync(
            Scenarios.Keyed(), new() { Scenarios = 40, States = 41_300, Crashes = 5_300, Lost = 2_350, Late = 11_100 });
    }

    public sealed class InPages(ITestOutputHelper output) : InterleavingTests(output)
    {
        [Fact]
        public Task A_list_in_pages_and_changes() => ExploreAsync(
            Scenarios.Starts.SelectMany(Scenarios.InPages), new() { Scenarios = 135, States = 35_400, Crashes = 950, Lost = 170, Late = 700, Pages = 26_800 });
    }
}
