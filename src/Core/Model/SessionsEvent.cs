using System.Text.Json;
using System.Text.Json.Serialization;

namespace Sessions.Model;

/// <summary>An event in a feed or in a webhook.</summary>
/// <param name="Id">The id of the event, which is the same each time the event is sent.</param>
/// <param name="Type">The type, one of <see cref="EventTypes"/>.</param>
/// <param name="Timestamp">The time at which the change took effect, in UTC.</param>
/// <param name="Data">The session, participant and device of the event.</param>
public sealed record SessionsEvent(
    string Id, string Type, [property: JsonConverter(typeof(UtcTimeConverter))] DateTimeOffset Timestamp, EventData Data);

/// <summary>Writes a time in UTC in the form of ISO 8601, with a Z.</summary>
internal sealed class UtcTimeConverter : JsonConverter<DateTimeOffset>
{
    public override DateTimeOffset Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) => reader.GetDateTimeOffset();

    public override void Write(Utf8JsonWriter writer, DateTimeOffset value, JsonSerializerOptions options)
        => writer.WriteStringValue(value.UtcDateTime);
}

/// <summary>The session, participant and device of an event.</summary>
/// <param name="AccountId">The account.</param>
/// <param name="SessionId">The session, absent for events that concern only a participant.</param>
/// <param name="ParticipantId">The participant, absent for events that concern only a session.</param>
/// <param name="Tag">The tag that the caller sent when it created the session or participant, absent if it sent none.</param>
/// <param name="Reason">Why the participant left, one of <see cref="LeaveReasons"/>.</param>
/// <param name="DeviceId">The participant's device, absent for events that do not concern a device.</param>
public sealed record EventData(
    string AccountId, string? SessionId, string? ParticipantId, string? Tag, string? Reason, string? DeviceId = null);

/// <summary>The types of events.</summary>
public static class EventTypes
{
    /// <summary>A session was created.</summary>
    public const string SessionCreated = "session.created";

    /// <summary>A request deleted the session.</summary>
    public const string SessionDeleted = "session.deleted";

    /// <summary>The session expired.</summary>
    public const string SessionEnded = "session.ended";

    /// <summary>A participant was created.</summary>
    public const string ParticipantCreated = "participant.created";

    /// <summary>A participant joined a session.</summary>
    public const string ParticipantJoined = "participant.joined";

    /// <summary>A participant left its session.</summary>
    public const string ParticipantLeft = "participant.left";

    /// <summary>A device of the participant connected.</summary>
    public const string ParticipantConnected = "participant.connected";

    /// <summary>A device of the participant disconnected.</summary>
    public const string ParticipantDisconnected = "participant.disconnected";
}

/// <summary>
/// The events that the original API sends to a participant's callback URL (Bandwidth/api-docs, <c>site/docs/webrtc/webhooks.md</c>).
/// </summary>
internal static class CallbackEvents
{
    /// <summary>A device connected.</summary>
    public const string Connect = "onConnect";

    /// <summary>A device lost its connection and may reconnect.</summary>
    public const string Disconnect = "onDisconnect";

    /// <summary>A device left and will not reconnect.</summary>
    public const string Leave = "onLeave";
}

/// <summary>Why a participant left its session.</summary>
public static class LeaveReasons
{
    /// <summary>A request removed the participant from the session.</summary>
    public const string Removed = "removed";

    /// <summary>A request deleted the participant.</summary>
    public const string Deleted = "deleted";

    /// <summary>The participant expired.</summary>
    public const string Expired = "expired";

    /// <summary>The session was deleted or expired.</summary>
    public const string SessionEnded = "sessionEnded";
}

/// <summary>An event in a row of an outbox. The row's keys contain its session or participant.</summary>
/// <param name="Type">
/// The type, one of <see cref="EventTypes"/>, or null for an event that only the participant's callback URL gets.
/// </param>
/// <param name="Timestamp">The time at which the change took effect.</param>
/// <param name="ParticipantId">The participant, if the outbox is a session's.</param>
/// <param name="Tag">The tag that was sent at creation.</param>
/// <param name="Reason">Why the participant left.</param>
/// <param name="DeviceId">The participant's device.</param>
/// <param name="Callback">
/// The callback event, one of <see cref="CallbackEvents"/>, or null for an event that the callback URL does not get.
/// </param>
internal sealed record StoredEvent(
    [property: JsonPropertyName("type")] string? Type,
    [property: JsonPropertyName("at")] DateTimeOffset Timestamp,
    [property: JsonPropertyName("participant")] Guid? ParticipantId = null,
    [property: JsonPropertyName("tag")] string? Tag = null,
    [property: JsonPropertyName("reason")] string? Reason = null,
    [property: JsonPropertyName("device")] string? DeviceId = null,
    [property: JsonPropertyName("callback")] string? Callback = null);
