using Azure;
using Sessions.Model;

namespace Sessions.Webhooks;

/// <summary>A receiver of an account's events.</summary>
/// <param name="AccountId">The account.</param>
/// <param name="Id">The webhook's id, 16 hex digits.</param>
/// <param name="Url">Where the events are sent.</param>
/// <param name="Events">The types of events that are sent; none for every type.</param>
/// <param name="Secret">Signs what is sent.</param>
/// <param name="Created">When it was added.</param>
/// <param name="Position">The last entry of the account's log when it was added: it gets the later ones.</param>
public sealed record Webhook(
    AccountId AccountId, string Id, Uri Url, IReadOnlyList<string> Events, string Secret, DateTimeOffset Created, long Position)
{
    /// <summary>The secret before the last rotation, and until when it signs too; null when there was none.</summary>
    public (string Secret, DateTimeOffset Expires)? Previous { get; init; }

    /// <summary>When it ended, and why; null while it is sent to.</summary>
    public (DateTimeOffset At, string Because)? Ended { get; init; }

    internal ETag ETag { get; init; }

    /// <summary>Whether it gets events of a type.</summary>
    public bool Wants(string type) => Events.Count == 0 || Events.Contains(type);

    /// <summary>The secrets that sign at a time.</summary>
    public IEnumerable<string> SecretsAt(DateTimeOffset now)
        => Previous is { } previous && now < previous.Expires ? [Secret, previous.Secret] : [Secret];

    /// <summary>Its id and where it is, without the secret and what the URL may hold.</summary>
    public override string ToString() => $"{Id} at {Url.IdnHost}";
}

/// <summary>The types of events that a webhook can choose from.</summary>
public static class WebhookEvents
{
    /// <summary>An event that is sent to try a webhook, and stands in no log.</summary>
    public const string Test = "webhook.test";

    /// <summary>All types that there are.</summary>
    public static IReadOnlyList<string> All { get; } =
    [
        EventTypes.SessionCreated, EventTypes.SessionDeleted, EventTypes.SessionEnded,
        EventTypes.ParticipantCreated, EventTypes.ParticipantJoined, EventTypes.ParticipantLeft,
        EventTypes.ParticipantConnected, EventTypes.ParticipantDisconnected,
    ];
}
