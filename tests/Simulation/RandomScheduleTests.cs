namespace Sessions.Tests.Simulation;

/// <summary>
/// A long random schedule with several concurrent requests over many participants and a few small sessions. The environment variable
/// <c>SIMULATION_SEED</c> selects another schedule, and <c>SIMULATION_OPERATIONS</c> makes it longer.
/// </summary>
public sealed class RandomScheduleTests(ITestOutputHelper output)
{
    private const int DefaultOperations = 20_000;

    [Fact]
    public Task Random_requests_of_many_participants_keep_the_invariants_and_match_the_model() => RunAsync(RandomSize.Large);

    [Fact]
    public Task Random_requests_of_three_participants_keep_the_invariants_and_match_the_model() => RunAsync(RandomSize.Small);

    private Task RunAsync(RandomSize size) => Task.Run(() =>
    {
        var seed = Setting.Seed;
        var run = new RandomSchedule(seed, size);
        output.WriteLine($"SIMULATION_SEED={seed}");
        try
        {
            run.Run(Setting.Number("SIMULATION_OPERATIONS") ?? DefaultOperations);
        }
        catch (ViolationException violation)
        {
            Assert.Fail($"SIMULATION_SEED={seed} after {run}\n{violation.Message}\n{string.Join('\n', run.LastSteps)}");
        }

        output.WriteLine(run.ToString());
    });

    [Fact]
    public Task A_schedule_is_reproducible_from_its_seed() => Task.Run(() =>
    {
        Assert.Equal(StepsOf(1), StepsOf(1));
        Assert.NotEqual(StepsOf(1), StepsOf(2));

        static string[] StepsOf(int seed)
        {
            var run = new RandomSchedule(seed, RandomSize.Large);
            run.Run(200);
            return [.. run.LastSteps];
        }
    });

    /// <summary>The mutations that a random schedule finds soon. <see cref="MutationTests"/> tests all of them.</summary>
    public static TheoryData<string> MutationsFoundSoon => [.. Mutations.All.Keys.Except(
    [
        nameof(Mutations.ReleasesTheClaimAfterAnothersRemoval), nameof(Mutations.ForgetsThatItsConditionalReplacementMayBeDone),
    ])];

    [Theory]
    [MemberData(nameof(MutationsFoundSoon))]
    public Task A_protocol_without_one_of_its_rules_is_detected(string mutation) => Task.Run(() =>
    {
        var run = new RandomSchedule(1, RandomSize.Small, Mutations.All[mutation]);
        var violation = Assert.Throws<ViolationException>(() => run.Run(200_000));
        output.WriteLine($"{violation.Message} after {run}");
    });
}
