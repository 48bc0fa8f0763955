namespace Sessions.Tests.Simulation;

/// <summary>Where the scenarios begin.</summary>
internal static class StartStates
{
    public static StartState Apart { get; } = new("P1 in no session", 20, participants: 1, sessions: 2);

    public static StartState Member { get; } = new StartState("P1 in S1", 20, participants: 1, sessions: 2).Joined(1, 1);

    public static StartState Claimant { get; } = new StartState("P1 claims S1", 20, participants: 1, sessions: 2).Claiming(1, 1);

    public static StartState Stranded { get; } = new StartState("P1 claims a session that is gone", 20, participants: 1, sessions: 2).Claiming(1, 3);

    public static StartState Keyless { get; } = new StartState("no key used", 20, participants: 1, sessions: 1).BeforeKeyed();

    public static StartState OnePlace { get; } = new StartState("one place left in S1", 2, participants: 3, sessions: 1).Joined(2, 1);
}
