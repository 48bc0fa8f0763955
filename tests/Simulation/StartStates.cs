namespace Sessions.Tests.Simulation;

/// <summary>Where the scenarios begin.</summary>
internal static class StartStates
{
    public static StartState Apart { get; } = new("P1 in no session", 20, participants: 1, sessions: 2);

    public static StartState Member { get; } = new StartState("P1 in S1", 20, participants: 1, sessions: 2).Joined(1, 1);

    public static StartState Claimant { get; } = new StartState("P1 claims S1", 20, participants: 1, sessions: 2).Claiming(1, 1);

    public static StartState Stranded { get; } = new StartState("P1 claims a session that is gone", 20, participants: 1, sessions: 2).Claiming(1, 3);

    public static StartState Keyless { get; } = new StartState("no key used", 20, participants: 1, sessions: 1).BeforeKeyed();

    public static IReadOnlyList<StartState> Ending { get; } =
    [
        new("P1 in no session, S1 ends", 20, participants: 1, sessions: 2, StartState.Session(1)),
        new StartState("P1 in S1, S1 ends", 20, participants: 1, sessions: 2, StartState.Session(1)).Joined(1, 1),
        new StartState("P1 in S1, P1 ends", 20, participants: 1, sessions: 2, StartState.Participant(1)).Joined(1, 1),
        new StartState("P1 claims S1, S1 ends", 20, participants: 1, sessions: 2, StartState.Session(1)).Claiming(1, 1),
        new StartState("one place left in S1, P2 ends", 2, participants: 3, sessions: 1, StartState.Participant(2)).Joined(2, 1),
        new StartState("no place left in S1, P2 ends", 1, participants: 3, sessions: 1, StartState.Participant(2)).Joined(2, 1),
    ];

    public static StartState OnePlace { get; } = new StartState("one place left in S1", 2, participants: 3, sessions: 1).Joined(2, 1);
}
