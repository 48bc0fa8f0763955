using System.Text;

namespace Sessions.Bench;

/// <summary>The account, and the bodies of requests, that every subject is measured with.</summary>
public static class Samples
{
    /// <summary>The account that LocalHost makes the credential of.</summary>
    public const string Account = "9900000";

    /// <summary>A session's tag.</summary>
    public const string SessionTag = "a session of a benchmark";

    /// <summary>A participant's tag.</summary>
    public const string ParticipantTag = "a participant of a benchmark";

    /// <summary>Where a participant's events would go.</summary>
    public const string CallbackUrl = "https://example.com/events";

    /// <summary>What a session is created with.</summary>
    public static byte[] Session { get; } = Encoding.UTF8.GetBytes($$"""{"tag":"{{SessionTag}}"}""");

    /// <summary>What a participant is created with.</summary>
    public static byte[] Participant { get; } = Encoding.UTF8.GetBytes(
        $$"""{"callbackUrl":"{{CallbackUrl}}","publishPermissions":["AUDIO","VIDEO"],"tag":"{{ParticipantTag}}"}""");

    /// <summary>Subscriptions to a whole session.</summary>
    public static byte[] WholeSession(string sessionId) => Encoding.UTF8.GetBytes($$"""{"sessionId":"{{sessionId}}"}""");

    /// <summary>Subscriptions to two streams of one participant.</summary>
    public static byte[] TwoStreams(string sessionId, string participantId) => Encoding.UTF8.GetBytes(
        $$"""{"sessionId":"{{sessionId}}","participants":[{"participantId":"{{participantId}}","streamAliases":["camera","screen"]}]}""");
}
