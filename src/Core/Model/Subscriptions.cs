using System.Text.Json;

namespace Sessions.Model;

/// <summary>
/// The participants whose media a participant receives. If <paramref name="Participants"/> has items, it receives the media of these
/// participants. Otherwise it receives the media of every participant of the session if <paramref name="SessionId"/> is set, and no media
/// if it is not.
/// </summary>
/// <param name="SessionId">The session, absent if there is no subscription.</param>
/// <param name="Participants">The named participants, at most <see cref="MaxParticipants"/>. They need not be in the session yet.</param>
public sealed record Subscriptions(string? SessionId, IReadOnlyList<ParticipantSubscription>? Participants)
{
    /// <summary>The most participants in a subscription.</summary>
    public const int MaxParticipants = 100;

    /// <summary>The most stream aliases of one named participant.</summary>
    public const int MaxStreamAliases = 50;

    /// <summary>The longest stream alias, in Unicode characters.</summary>
    public const int MaxStreamAliasLength = 100;

    /// <summary>The largest size of subscriptions as JSON, in bytes. It is the largest value of a column of Table Storage.</summary>
    public const int MaxStoredBytes = 64 * 1024;

    /// <summary>No subscription.</summary>
    public static Subscriptions None { get; } = new(null, null);

    /// <summary>Reads a request body for a participant of the session <paramref name="sessionId"/>.</summary>
    /// <exception cref="JsonException">The body is not valid. The message names the field and the expected value.</exception>
    public static Subscriptions Read(JsonField body, SessionId sessionId)
    {
        var session = body.Field("sessionId");
        var sessionText = session?.Text();
        var participants = body.Field("participants");
        if (participants?.Items(MaxParticipants) is { Count: > 0 } items)
        {
            var subscriptions = new Subscriptions(sessionId.ToString(), [.. items.Select(ParticipantSubscription.Read)]);
            return JsonSerializer.SerializeToUtf8Bytes(subscriptions, WireFormat.Default.Subscriptions).Length <= MaxStoredBytes
                ? subscriptions
                : throw participants.Value.Expected($"at most {MaxStoredBytes} bytes in all");
        }

        if (string.IsNullOrEmpty(sessionText))
            return None;

        return Model.SessionId.TryParse(sessionText, out var named) && named == sessionId
            ? new(sessionId.ToString(), null)
            : throw session!.Value.Expected("the id of the session in the path, or else participants");
    }
}

/// <summary>One participant of a subscription.</summary>
/// <param name="ParticipantId">The participant whose media are received.</param>
/// <param name="StreamAliases">The streams that are received. If the list is absent or empty, all streams are.</param>
public sealed record ParticipantSubscription(string ParticipantId, IReadOnlyList<string>? StreamAliases)
{
    /// <summary>Reads one item of <c>participants</c>.</summary>
    /// <exception cref="JsonException">The item is not valid. The message names the field and the expected value.</exception>
    public static ParticipantSubscription Read(JsonField item)
    {
        var id = item.Field("participantId") ?? throw item.Expected("a participantId");
        if (!Model.ParticipantId.TryParse(id.Text(), out _))
            throw id.Expected("the id of a participant, a UUID");

        return new(
            id.Text(),
            item.Field("streamAliases")?.Items(Subscriptions.MaxStreamAliases).Select(alias => alias.Text(Subscriptions.MaxStreamAliasLength)).ToArray());
    }
}
