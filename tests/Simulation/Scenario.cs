namespace Sessions.Tests.Simulation;

/// <summary>What happens at once, and from which state.</summary>
internal sealed record Scenario(StartState Start, IReadOnlyList<Operation> Operations, Mutation? Mutation = null)
{
    /// <summary>How many calls are lost and requests crash in a schedule at most.</summary>
    public int MaxFaults { get; init; } = 1;

    /// <summary>A request that has met more than these setbacks is followed no further: two joins can fence each other for ever.</summary>
    public int MaxSetbacks { get; init; } = 2;

    /// <summary>How many rows a page of a query has.</summary>
    public int PageSize { get; init; } = int.MaxValue;

    /// <summary>Whether a request tells the delivery of its events before it writes them.</summary>
    public bool Announces { get; init; } = true;

    public override string ToString()
        => $"{Start.Name}: {string.Join(" | ", Operations)}{(MaxFaults > 1 ? $", {MaxFaults} faults" : "")}{(PageSize < int.MaxValue ? $", in pages of {PageSize}" : "")}";
}

/// <summary>How much was explored.</summary>
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
