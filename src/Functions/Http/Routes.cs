namespace Sessions.Http;

/// <summary>The paths of the API. The host ignores their case, and accepts one trailing slash.</summary>
public static class Routes
{
    /// <summary>The sessions of an account.</summary>
    public const string Sessions = Account + "/sessions";

    /// <summary>One session.</summary>
    public const string Session = Sessions + "/{sessionId}";

    /// <summary>The participants in a session.</summary>
    public const string SessionParticipants = Session + "/participants";

    /// <summary>One participant in a session.</summary>
    public const string SessionParticipant = SessionParticipants + "/{participantId}";

    /// <summary>The subscriptions of a participant in a session.</summary>
    public const string Subscriptions = SessionParticipant + "/subscriptions";

    /// <summary>The participants of an account.</summary>
    public const string Participants = Account + "/participants";

    /// <summary>One participant.</summary>
    public const string Participant = Participants + "/{participantId}";

    /// <summary>The events of a session.</summary>
    public const string SessionEvents = Session + "/events";

    /// <summary>The events of an account.</summary>
    public const string Events = Account + "/events";

    /// <summary>The health check.</summary>
    public const string Health = "health";

    /// <summary>The OpenAPI document.</summary>
    public const string OpenApi = "openapi.json";

    /// <summary>
    /// The root, which links to the other paths. The fallback serves it, because the host replaces an empty route with the function's name.
    /// </summary>
    public const string Root = "";

    private const string Account = "v1/accounts/{accountId}";

    /// <summary>The methods of each path. They are listed here, because the host offers no way to read the functions' routes.</summary>
    public static IReadOnlyList<(string Route, string Methods)> Allowed =>
    [
        (Sessions, "GET, HEAD, POST"),
        (Session, "GET, HEAD, DELETE"),
        (SessionParticipants, "GET, HEAD"),
        (SessionParticipant, "PUT, DELETE"),
        (Subscriptions, "GET, HEAD, PUT"),
        (Participants, "GET, HEAD, POST"),
        (Participant, "GET, HEAD, DELETE"),
        (SessionEvents, "GET, HEAD"),
        (Events, "GET, HEAD"),
        (Health, "GET, HEAD"),
        (OpenApi, "GET, HEAD"),
        (Root, "GET, HEAD"),
    ];
}
