using Azure;
using Sessions.Model;

namespace Sessions.Webhooks;

/// <summary>A receiver of an account's events.</summary>
/// <param name="AccountId">The account.</param>
/// <param name="Id">The webhook's id, 16 hex digits.</param>
/// <param name="Url">The URL to which events are sent.</param>
/// <param name="Events">The types of events that are sent, or an empty list for every type.</param>
/// <param name="Secret">The secret that signs the requests.</param>
/// <param name="Created">When it was added.</param>
/// <param name="Position">The last entry of the account's log when the webhook was added. It gets the later entries.</param>
public sealed record Webhook(
    AccountId AccountId, string Id, Uri Url, IReadOnlyList<string> Events, string Secret, DateTimeOffset Created, long Position)
{
    /// <summary>The secret before the last rotation, and until when it also signs requests. Null if there was none.</summary>
    public (string Secret, DateTimeOffset Expires)? Previous { get; init; }

    /// <summary>When the webhook ended, and why. Null while the webhook is active.</summary>
    public (DateTimeOffset At, string Because)? Ended { get; init; }

    internal ETag ETag { get; init; }

    /// <summary>Whether it gets events of a type.</summary>
    public bool Wants(string type) => Events.Count == 0 || Events.Contains(type);

    /// <summary>The secrets that sign requests at a given time.</summary>
    public IEnumerable<string> SecretsAt(DateTimeOffset now)
        => Previous is { } previous && now < previous.Expires ? [Secret, previous.Secret] : [Secret];

    /// <summary>The id and the host, without the secret and without the rest of the URL, which may contain one.</summary>
    public override string ToString() => $"{Id} at {Url.IdnHost}";
}

/// <summary>The types of events that a webhook can choose from.</summary>
public static class WebhookEvents
{
    /// <summary>The type of the event that tests a webhook. It is in no log.</summary>
    public const string Test = "webhook.test";

    /// <summary>All types.</summary>
    public static IReadOnlyList<string> All { get; } =
    [
        EventTypes.SessionCreated, EventTypes.SessionDeleted, EventTypes.SessionEnded,
        EventTypes.ParticipantCreated, EventTypes.ParticipantJoined, EventTypes.ParticipantLeft,
        EventTypes.ParticipantConnected, EventTypes.ParticipantDisconnected,
    ];
}
