using System.Text.Json;
using System.Text.Json.Serialization;

namespace Sessions.Model;

/// <summary>Something that has happened, as callers are told of it.</summary>
/// <param name="Id">The same however often the event is told.</param>
/// <param name="Type">One of <see cref="EventTypes"/>.</param>
/// <param name="Timestamp">When it took effect (UTC).</param>
/// <param name="Data">Whom it concerns.</param>
public sealed record SessionsEvent(
    string Id, string Type, [property: JsonConverter(typeof(UtcTimeConverter))] DateTimeOffset Timestamp, EventData Data);

/// <summary>Writes a time as ISO 8601 has it for UTC, with a Z.</summary>
internal sealed class UtcTimeConverter : JsonConverter<DateTimeOffset>
{
    public override DateTimeOffset Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) => reader.GetDateTimeOffset();

    public override void Write(Utf8JsonWriter writer, DateTimeOffset value, JsonSerializerOptions options)
        => writer.WriteStringValue(value.UtcDateTime);
}

/// <summary>Whom an event concerns.</summary>
/// <param name="AccountId">The account.</param>
/// <param name="SessionId">The session; left out for events of a participant alone.</param>
/// <param name="ParticipantId">The participant; left out for events of a session alone.</param>
/// <param name="Tag">The label that the caller gave what was created; left out when none was sent.</param>
/// <param name="Reason">Why a participant left: one of <see cref="LeaveReasons"/>.</param>
/// <param name="DeviceId">The participant's device; left out for events that are not of a device.</param>
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

    /// <summary>A participant is in a session.</summary>
    public const string ParticipantJoined = "participant.joined";

    /// <summary>A participant is no longer in the session.</summary>
    public const string ParticipantLeft = "participant.left";

    /// <summary>A device of the participant has a connection.</summary>
    public const string ParticipantConnected = "participant.connected";

    /// <summary>A device of the participant has no connection any more.</summary>
    public const string ParticipantDisconnected = "participant.disconnected";
}

/// <summary>The events of which the original tells a participant's callback URL (Bandwidth/api-docs, <c>site/docs/webrtc/webhooks.md</c>).</summary>
internal static class CallbackEvents
{
    /// <summary>A device has a connection.</summary>
    public const string Connect = "onConnect";

    /// <summary>A device has lost its connection, and may come back.</summary>
    public const string Disconnect = "onDisconnect";

    /// <summary>A device is gone for good.</summary>
    public const string Leave = "onLeave";
}

/// <summary>Why a participant left its session.</summary>
public static class LeaveReasons
{
    /// <summary>A request took it out of the session.</summary>
    public const string Removed = "removed";

    /// <summary>A request deleted the participant.</summary>
    public const string Deleted = "deleted";

    /// <summary>The participant expired.</summary>
    public const string Expired = "expired";

    /// <summary>The session was deleted or expired.</summary>
    public const string SessionEnded = "sessionEnded";
}

/// <summary>An event as a row of the outbox holds it: the row's keys say of which session or participant.</summary>
/// <param name="Type">One of <see cref="EventTypes"/>; null for one that only the participant's callback URL is told of.</param>
/// <param name="Timestamp">When it took effect.</param>
/// <param name="ParticipantId">The participant, in a session's outbox.</param>
/// <param name="Tag">The label that was sent at creation.</param>
/// <param name="Reason">Why a participant left.</param>
/// <param name="DeviceId">The participant's device.</param>
/// <param name="Callback">One of <see cref="CallbackEvents"/>; null for one that the callback URL is not told of.</param>
internal sealed record StoredEvent(
    [property: JsonPropertyName("type")] string? Type,
    [property: JsonPropertyName("at")] DateTimeOffset Timestamp,
    [property: JsonPropertyName("participant")] Guid? ParticipantId = null,
    [property: JsonPropertyName("tag")] string? Tag = null,
    [property: JsonPropertyName("reason")] string? Reason = null,
    [property: JsonPropertyName("device")] string? DeviceId = null,
    [property: JsonPropertyName("callback")] string? Callback = null);
