namespace Sessions.Bench;

/// <summary>The operations that are measured, for Sessions and for the programs it is compared with.</summary>
public static class Operations
{
    /// <summary>Reads a session.</summary>
    public const string GetSession = "getSession";

    /// <summary>Reads the subscriptions of a member of a session.</summary>
    public const string GetParticipantSubscriptions = "getParticipantSubscriptions";

    /// <summary>Creates a session.</summary>
    public const string CreateSession = "createSession";

    /// <summary>Replaces the subscriptions of a member of a session.</summary>
    public const string UpdateParticipantSubscriptions = "updateParticipantSubscriptions";

    /// <summary>
    /// The 22 requests of a call of three participants. The session and the participants are created and the participants join, two of them
    /// change their subscriptions, everything is read, and then the participants leave and everything is deleted. Each request is recorded.
    /// </summary>
    public const string Call = "call";

    /// <summary>All operations.</summary>
    public static IReadOnlyList<string> All { get; } =
        [GetSession, GetParticipantSubscriptions, CreateSession, UpdateParticipantSubscriptions, Call];
}
