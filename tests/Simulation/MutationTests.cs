using static Sessions.Tests.Simulation.OperationKind;
using static Sessions.Tests.Simulation.StartStates;

namespace Sessions.Tests.Simulation;

/// <summary>The simulation detects every protocol that lacks one of its rules, and prints the shortest schedule.</summary>
public sealed class MutationTests(ITestOutputHelper output)
{
    private static readonly string MemberTag = Member.State.MemberTags[1];
    private static readonly StartState SessionEnds = Ending[1];
    private static readonly StartState CreatedAgain = KeyedEnded[^1];
    private static readonly StartState Forgettable = KeyGone[^1];

    [Fact]
    public Task A_join_without_a_fence_is_detected()
        => FindsAsync("P1 is a member of S", new(Apart, [new(Join, 1, 1), new(Join, 1, 2)], Mutations.NoFenceInJoin) { MaxFaults = 0 });

    [Fact]
    public Task A_deletion_of_a_participant_without_a_fence_is_detected() => FindsAsync(
        "P1 is deleted and a member of S1",
        new(Apart, [new(Join, 1, 1), new(DeleteParticipant, 1)], Mutations.NoFenceInDeleteParticipant) { MaxFaults = 0 });

    [Fact]
    public Task Releasing_a_claim_with_any_ETag_is_detected() => FindsAsync(
        "without a claim on it",
        new(Member, [new(Leave, 1, 1), new(Join, 1, 2)], Mutations.ReleasesTheClaimUnderAnyETag) { MaxFaults = 0 });

    [Fact]
    public Task An_insert_without_the_ETag_of_the_header_is_detected() => FindsAsync(
        "P1 is a member of S", new(Apart, [new(Join, 1, 1), new(Join, 1, 2)], Mutations.InsertsUnderAnyHeader) { MaxFaults = 0 });

    [Fact]
    public Task A_join_that_reads_its_claim_instead_of_claiming_again_is_detected() => FindsAsync(
        "without a claim on it",
        new(Apart, [new(Join, 1, 1), new(Join, 1, 1), new(Leave, 1, 1)], Mutations.LooksAtItsClaim) { MaxFaults = 0 });

    [Fact]
    public Task A_leave_that_releases_the_claim_after_another_requests_removal_is_detected() => FindsAsync(
        "without a claim on it",
        new(Member, [new(Leave, 1, 1), new(Leave, 1, 1), new(Join, 1, 1)], Mutations.ReleasesTheClaimAfterAnothersRemoval));

    [Fact]
    public Task A_join_that_ignores_that_its_insert_may_still_be_applied_is_detected() => FindsAsync(
        "took effect a second time", new(Apart, [new(Join, 1, 1), new(Leave, 1, 1)], Mutations.ForgetsThatItsInsertMayLand));

    [Fact]
    public Task A_leave_that_ignores_that_its_removal_may_have_been_applied_is_detected() => FindsAsync(
        "took effect a second time", new(Member, [new(Leave, 1, 1), new(Join, 1, 1)], Mutations.ForgetsThatItsRemovalMayBeDone));

    [Fact]
    public Task A_deletion_that_ignores_that_it_may_have_been_applied_is_detected() => FindsAsync(
        "took effect, and answered NoSession", new(Member, [new(DeleteSession, Session: 1)], Mutations.ForgetsThatItsDeletionMayBeDone));

    [Fact]
    public Task A_replacement_that_ignores_that_it_may_still_be_applied_is_detected() => FindsAsync(
        "took effect", new(Member, [new(Update, 1, 1, "a"), new(Update, 1, 1, "b")], Mutations.ForgetsThatItsReplacementMayLand));

    [Fact]
    public Task A_conditional_replacement_that_ignores_that_it_may_have_been_applied_is_detected() => FindsAsync(
        "took effect, and answered PreconditionFailed",
        new(Member, [new(Update, 1, 1, "a") { IfMatch = MemberTag }, new(Update, 1, 1, "b")], Mutations.ForgetsThatItsConditionalReplacementMayBeDone));

    [Fact]
    public Task A_deletion_of_a_participant_that_evaluates_its_condition_again_is_detected() => FindsAsync(
        "took its participant out of the session, and answered PreconditionFailed",
        new(Member, [new(DeleteParticipant, 1) { IfMatch = MemberTag }], Mutations.JudgesItsConditionAgain) { MaxFaults = 0 });

    [Fact]
    public Task A_paged_list_that_does_not_read_the_header_again_is_detected() => FindsAsync(
        "List(S1) failed", new(Member, [new(List, Session: 1), new(Leave, 1, 1)], Mutations.DoesNotLookAgain) { MaxFaults = 0, PageSize = 1 });

    [Fact]
    public Task A_creation_without_a_marker_for_its_key_is_detected() => FindsAsync(
        "changed what it must not", new(Keyless, [new(CreateParticipant, Ids.Keyed)], Mutations.ForgetsItsKey) { MaxFaults = 0 });

    [Fact]
    public Task A_creation_that_treats_an_expired_marker_as_valid_is_detected() => FindsAsync(
        "took effect afterwards",
        new(Forgettable, [new(Sweep), new(CreateSession, Session: Ids.Keyed)], Mutations.ForgetsThatItsKeyHasExpired));

    [Fact]
    public Task An_update_that_treats_a_missing_row_as_live_is_detected() => FindsAsync(
        "Update(P1, S1, c) answered Done, which was right at no moment",
        new(SessionEnds, [new(Update, 1, 1, "c"), new(DeleteParticipant, 1)], Mutations.TakesWhatItMissedForLive) { MaxFaults = 0 });

    [Fact]
    public Task A_sweep_that_ignores_the_expiry_of_a_row_is_detected() => FindsAsync(
        "A sweep deleted a row before its time",
        new(CreatedAgain, [new(Sweep)], Mutations.SweepsWithoutLookingAtTheEnd) { MaxFaults = 0 });

    [Fact]
    public Task A_sweep_that_deletes_with_any_ETag_is_detected() => FindsAsync(
        "A sweep deleted a row before its time",
        new(Forgettable, [new(Sweep), new(Sweep), new(CreateSession, Session: Ids.Keyed)], Mutations.SweepsUnderAnyETag) { MaxFaults = 0 });

    [Fact]
    public Task A_sweep_that_deletes_the_index_row_after_a_failed_deletion_is_detected() => FindsAsync(
        "A sweep deleted an index row, and the rows that it stands for are there",
        new(Ended[0], [new(Sweep)], Mutations.SweepsTheIndexThoughRowsAreLeft));

    [Fact]
    public Task A_sweep_that_creates_no_index_row_for_a_marker_is_detected() => FindsAsync(
        "A sweep left", new(KeyedEnded[0], [new(Sweep)], Mutations.SweepsWithoutIndexingTheKey) { MaxFaults = 0 });

    [Fact]
    public Task An_event_outside_the_transaction_of_its_change_is_detected() => FindsAsync(
        "has the events , and not participant.joined", new(Apart, [new(Join, 1, 1)], Mutations.WritesNoEventWithTheChange) { MaxFaults = 0 });

    [Fact]
    public Task A_queue_message_stored_after_the_change_is_detected() => FindsAsync(
        "is written before the message for it is stored", new(Apart, [new(Join, 1, 1)], new()) { MaxFaults = 0, Announces = false });

    private Task FindsAsync(string violation, Scenario scenario) => Task.Run(() =>
    {
        var counts = new Counts();
        Exploration.Run(scenario with { Mutation = null, Announces = true }, counts);
        var found = Assert.Throws<ViolationException>(() => Exploration.Run(scenario, counts));
        output.WriteLine(found.Message);
        Assert.Contains(violation, found.Message, StringComparison.Ordinal);
    });
}
