using static Sessions.Tests.Simulation.OperationKind;

namespace Sessions.Tests.Simulation;

/// <summary>The simulation finds what is wrong with a protocol that lacks one of its rules.</summary>
public sealed class MutationTests(ITestOutputHelper output)
{
    private static readonly StartState Apart = new("P1 in no session", 20, participants: 1, sessions: 2);
    private static readonly StartState Member = new StartState("P1 in S1", 20, participants: 1, sessions: 2).Joined(1, 1);
    private static readonly StartState OnePlace = new StartState("one place left in S1", 2, participants: 3, sessions: 1).Joined(2, 1);

    [Fact]
    public Task A_join_without_a_fence_is_found()
        => FindsAsync("P1 is a member of S", new(Apart, [new(Join, 1, 1), new(Join, 1, 2)], Mutations.NoFenceInJoin));

    [Fact]
    public Task A_deletion_of_a_participant_without_a_fence_is_found()
        => FindsAsync("P1 is deleted and a member of S1", new(Apart, [new(Join, 1, 1), new(DeleteParticipant, 1)], Mutations.NoFenceInDeleteParticipant));

    [Fact]
    public Task Clearing_the_claim_under_any_ETag_is_found()
        => FindsAsync("without a claim on it", new(Member, [new(Leave, 1, 1), new(Join, 1, 2)], Mutations.ClearsTheClaimUnderAnyETag));

    [Fact]
    public Task An_insert_without_the_ETag_of_the_header_is_found()
        => FindsAsync("The header of S1 lists other members", new(OnePlace, [new(Join, 1, 1), new(Join, 3, 1)], Mutations.InsertsUnderAnyHeader));

    [Fact]
    public Task A_join_that_looks_at_its_claim_instead_of_claiming_again_is_found()
        => FindsAsync("without a claim on it", new(Apart, [new(Join, 1, 1), new(Join, 1, 1), new(Leave, 1, 1)], Mutations.LooksAtItsClaim));

    private Task FindsAsync(string violation, Scenario scenario) => Task.Run(() =>
    {
        scenario = scenario with { WithFaults = false };
        var counts = new Counts();
        Exploration.Run(scenario with { Mutation = null }, counts);
        var found = Assert.Throws<ViolationException>(() => Exploration.Run(scenario, counts));
        output.WriteLine(found.Message);
        Assert.Contains(violation, found.Message, StringComparison.Ordinal);
    });
}
