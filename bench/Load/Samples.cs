using System.Text;

namespace Sessions.Bench;

/// <summary>The account and the request bodies with which every subject is measured.</summary>
public static class Samples
{
    /// <summary>The account for which LocalHost creates its credential.</summary>
    public const string Account = "9900000";

    /// <summary>A session's tag.</summary>
    public const string SessionTag = "a session of a benchmark";

    /// <summary>A participant's tag.</summary>
    public const string ParticipantTag = "a participant of a benchmark";

    /// <summary>The callback URL of a participant.</summary>
    public const string CallbackUrl = "https://example.com/events";

    /// <summary>The request body that creates a session.</summary>
    public static byte[] Session { get; } = Encoding.UTF8.GetBytes($$"""{"tag":"{{SessionTag}}"}""");

    /// <summary>The request body that creates a participant.</summary>
    public static byte[] Participant { get; } = Encoding.UTF8.GetBytes(
        $$"""{"callbackUrl":"{{CallbackUrl}}","publishPermissions":["AUDIO","VIDEO"],"tag":"{{ParticipantTag}}"}""");

    /// <summary>Subscriptions to a whole session.</summary>
    public static byte[] WholeSession(string sessionId) => Encoding.UTF8.GetBytes($$"""{"sessionId":"{{sessionId}}"}""");

    /// <summary>Subscriptions to two streams of one participant.</summary>
    public static byte[] TwoStreams(string sessionId, string participantId) => Encoding.UTF8.GetBytes(
        $$"""{"sessionId":"{{sessionId}}","participants":[{"participantId":"{{participantId}}","streamAliases":["camera","screen"]}]}""");
}
