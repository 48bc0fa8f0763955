namespace Sessions.Bench;

/// <summary>What is measured, of Sessions and of what stands beside it.</summary>
public static class Operations
{
    /// <summary>Reads a session.</summary>
    public const string GetSession = "getSession";

    /// <summary>Reads what a member of a session receives.</summary>
    public const string GetParticipantSubscriptions = "getParticipantSubscriptions";

    /// <summary>Creates a session.</summary>
    public const string CreateSession = "createSession";

    /// <summary>Replaces what a member of a session receives.</summary>
    public const string UpdateParticipantSubscriptions = "updateParticipantSubscriptions";

    /// <summary>
    /// The 22 requests of a call of three: it is created with its participants, who join; two change what they receive;
    /// everything is read; they leave, and all is deleted. Each request is recorded.
    /// </summary>
    public const string Call = "call";

    /// <summary>All of them.</summary>
    public static IReadOnlyList<string> All { get; } =
        [GetSession, GetParticipantSubscriptions, CreateSession, UpdateParticipantSubscriptions, Call];
}
