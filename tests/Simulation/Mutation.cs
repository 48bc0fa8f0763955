namespace Sessions.Tests.Simulation;

/// <summary>A change to the protocol: to what a request's calls do, or to the answers that it gets.</summary>
internal sealed record Mutation
{
    public Func<Request, TableCall, TableCall> Call { get; init; } = (_, call) => call;

    public Func<Request, TableCall, TableAnswer, TableAnswer> Answer { get; init; } = (_, _, answer) => answer;
}
