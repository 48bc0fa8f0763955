namespace Sessions.Tests.Simulation;

/// <summary>The states in which the scenarios start.</summary>
internal static class StartStates
{
    public static StartState Apart { get; } = new("P1 in no session", 20, participants: 1, sessions: 2);

    public static StartState Member { get; } = new StartState("P1 in S1", 20, participants: 1, sessions: 2).Joined(1, 1);

    public static StartState Claimant { get; } = new StartState("P1 claims S1", 20, participants: 1, sessions: 2).Claiming(1, 1);

    public static StartState Stranded { get; } = new StartState("P1 claims a session that is gone", 20, participants: 1, sessions: 2).Claiming(1, 3);

    public static StartState Keyless { get; } = new StartState("no key used", 20, participants: 1, sessions: 1).BeforeKeyed();

    private static readonly OperationKind[] Creations = [OperationKind.CreateParticipant, OperationKind.CreateSession];

    public static IReadOnlyList<StartState> Ending { get; } =
    [
        new("P1 in no session, S1 ends", 20, participants: 1, sessions: 2, StartState.Session(1)),
        new StartState("P1 in S1, S1 ends", 20, participants: 1, sessions: 2, StartState.Session(1)).Joined(1, 1),
        new StartState("P1 in S1, P1 ends", 20, participants: 1, sessions: 2, StartState.Participant(1)).Joined(1, 1),
        new StartState("P1 claims S1, S1 ends", 20, participants: 1, sessions: 2, StartState.Session(1)).Claiming(1, 1),
        new StartState("one place left in S1, P2 ends", 2, participants: 3, sessions: 1, StartState.Participant(2)).Joined(2, 1),
        new StartState("no place left in S1, P2 ends", 1, participants: 3, sessions: 1, StartState.Participant(2)).Joined(2, 1),
    ];

    /// <summary>Resources that a sweep deletes, together with others.</summary>
    public static IReadOnlyList<StartState> Ended { get; } =
    [
        new StartState("P1 in S1, S1 ended", 20, participants: 1, sessions: 2, null, StartState.Session(1)).Joined(1, 1),
        new StartState("P1 in S1, P1 ended", 20, participants: 1, sessions: 2, null, StartState.Participant(1)).Joined(1, 1),
        new StartState(
            "P1 in S1, all ended", 20, participants: 1, sessions: 2, null, StartState.Participant(1), StartState.Session(1), StartState.Session(2)).Joined(1, 1),
        new StartState("no place left in S1, P2 ended", 1, participants: 3, sessions: 1, null, StartState.Participant(2)).Joined(2, 1),
    ];

    /// <summary>A resource that was created with a key expires.</summary>
    public static IReadOnlyList<StartState> KeyedEnding { get; } = [.. Creations.Select(creation =>
        new StartState("created with a key, ends", 20, participants: 1, sessions: 1, StartState.Keyed(creation)).Created(creation, StartState.Later, StartState.End))];

    /// <summary>
    /// A resource that was created with a key has expired. Its key is still valid, has also expired, or was used again after it expired,
    /// with the index row of the first creation remaining.
    /// </summary>
    public static IReadOnlyList<StartState> KeyedEnded { get; } = [.. Creations.SelectMany(creation => new[]
    {
        new StartState("created with a key, ended", 20, participants: 1, sessions: 1, null, StartState.Keyed(creation)).Created(creation, StartState.Later, StartState.LongAgo),
        new StartState("created with a key, ended like the key", 20, participants: 1, sessions: 1, null, StartState.Keyed(creation)).Created(creation, StartState.LongAgo, StartState.LongAgo),
        new StartState("created with a key, for the second time", 20, participants: 1, sessions: 1).Created(creation, StartState.Later, StartState.LongAgo, StartState.Later),
    })];

    /// <summary>The idempotency marker of a resource that was created with a key has also expired.</summary>
    public static IReadOnlyList<StartState> KeyGone { get; } =
        [.. Creations.Select(creation => new StartState("created with a key and gone, like the key", 20, participants: 1, sessions: 1).Gone(creation))];

    public static StartState OnePlace { get; } = new StartState("one place left in S1", 2, participants: 3, sessions: 1).Joined(2, 1);
}
