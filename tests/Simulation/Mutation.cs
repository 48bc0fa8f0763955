namespace Sessions.Tests.Simulation;

/// <summary>A change to the protocol, which changes the calls of a request or the responses that it gets.</summary>
internal sealed record Mutation
{
    public Func<Request, TableCall, TableCall> Call { get; init; } = (_, call) => call;

    public Func<Request, TableCall, TableAnswer, TableAnswer> Answer { get; init; } = (_, _, answer) => answer;
}
