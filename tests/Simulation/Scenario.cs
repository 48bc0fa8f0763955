namespace Sessions.Tests.Simulation;

/// <summary>The operations that run concurrently, and the state in which they start.</summary>
internal sealed record Scenario(StartState Start, IReadOnlyList<Operation> Operations, Mutation? Mutation = null)
{
    /// <summary>The maximum number of lost responses and crashes in a schedule.</summary>
    public int MaxFaults { get; init; } = 1;

    /// <summary>
    /// The maximum number of retries of a request. A schedule with more is not followed further, because two joins can fence each other
    /// forever.
    /// </summary>
    public int MaxSetbacks { get; init; } = 2;

    /// <summary>The number of rows in a page of a query.</summary>
    public int PageSize { get; init; } = int.MaxValue;

    /// <summary>Whether a request sends the message about its events before it writes them.</summary>
    public bool Announces { get; init; } = true;

    public override string ToString()
        => $"{Start.Name}: {string.Join(" | ", Operations)}{(MaxFaults > 1 ? $", {MaxFaults} faults" : "")}{(PageSize < int.MaxValue ? $", in pages of {PageSize}" : "")}";
}

/// <summary>The extent of an exploration.</summary>
internal sealed class Counts
{
    public long Scenarios;
    public long States;
    public long Steps;
    public long Ends;
    public long Crashes;
    public long Lost;
    public long Late;
    public long Pages;
    public long CutOff;

    public bool Reaches(Counts floor)
        => Scenarios >= floor.Scenarios && States >= floor.States && Crashes >= floor.Crashes && Lost >= floor.Lost && Late >= floor.Late
            && Pages >= floor.Pages;

    public void Add(Counts other)
    {
        Scenarios += other.Scenarios;
        States += other.States;
        Steps += other.Steps;
        Ends += other.Ends;
        Crashes += other.Crashes;
        Lost += other.Lost;
        Late += other.Late;
        Pages += other.Pages;
        CutOff += other.CutOff;
    }

    public override string ToString()
        => $"{Scenarios} scenarios, {States} states, {Steps} steps, {Ends} ends, {Crashes} crashes, {Lost} lost calls, {Late} late writes, {Pages} further pages, {CutOff} cut off";
}
