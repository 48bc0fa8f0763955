using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Sessions.Model;

namespace Sessions.Storage;

/// <summary>
/// Creates and reads every key of every table. No key needs escaping: account ids are validated (<see cref="AccountId"/>), the other ids
/// are generated, and user names are written as hex.
/// </summary>
internal static class Keys
{
    /// <summary>The row of a session's header. It sorts before the members, so a query of several pages reads the header first.</summary>
    public const string Header = "header";

    public const string Participant = "participant";

    /// <summary>The row that marks a session or participant as created with an idempotency key. It outlives a deletion.</summary>
    public const string IdempotencyMarker = "idempotency";

    /// <summary>
    /// The prefix of the partitions of the expiry index. No account id begins with it, and the rest of the key sorts by time.
    /// </summary>
    public const string IndexPrefix = ":";

    /// <summary>
    /// In the partition of an account's users, the row that exists while its feed is on. No user has this key, because UTF-8 has no byte
    /// FE.
    /// </summary>
    public const string Feed = "feed";

    /// <summary>In the partition of an account's log, the row with the number of the last entry.</summary>
    public const string LogHead = "head";

    /// <summary>In the table of the logs, the partition with a row for each account whose feed is or was on.</summary>
    public const string Feeds = ":feeds";

    /// <summary>The prefix of the cursors in an account's log, and the first key after them.</summary>
    public const string CursorPrefix = "at:", CursorEnd = "at;";

    /// <summary>In a participant's partition, the row of its devices that are connected or may reconnect.</summary>
    public const string Devices = "devices";

    /// <summary>In a participant's partition, the row with the progress of its callback URL.</summary>
    public const string Callback = "callback";

    private const string GatewayPrefix = ":gateway:";
    private const string LogPrefix = "log:";
    private const string MemberPrefix = "member:";

    // It sorts before the header, so a query of the membership begins at the header and reads no event.
    private const string EventPrefix = "event:";

    public static string Partition(AccountId accountId, SessionId sessionId) => $"{accountId}:{sessionId}";

    public static string Partition(AccountId accountId, ParticipantId participantId) => $"{accountId}:{participantId}";

    /// <summary>
    /// The range of the partitions of an account's sessions, or of its participants. They lie between these two keys. With
    /// <paramref name="after"/>, the range begins after that id.
    /// </summary>
    public static (string First, string End) PartitionsOf(AccountId accountId, Guid? after) => ($"{accountId}:{after}", $"{accountId};");

    /// <summary>The id of the session or participant of a partition.</summary>
    public static Guid IdIn(string partitionKey) => Guid.ParseExact(partitionKey.AsSpan(partitionKey.LastIndexOf(':') + 1), "D");

    /// <summary>The account and the participant of a participant's partition.</summary>
    public static (AccountId AccountId, ParticipantId ParticipantId) ParticipantIn(string partitionKey)
        => SessionOf(partitionKey) is var (accountId, id) ? (accountId, new(id.Value)) : default;

    /// <summary>The account and the session of a session's partition.</summary>
    public static (AccountId AccountId, SessionId SessionId) SessionOf(string partitionKey)
        => partitionKey.Split(':') is [var account, var session]
            && AccountId.TryParse(account, out var accountId)
            && SessionId.TryParse(session, out var sessionId)
                ? (accountId, sessionId)
                : throw new FormatException($"{partitionKey} is not the key of a session's partition.");

    public static string Member(ParticipantId participantId) => $"{MemberPrefix}{participantId}";

    public static bool IsMember(string rowKey) => rowKey.StartsWith(MemberPrefix, StringComparison.Ordinal);

    public static ParticipantId ParticipantOf(string memberRowKey)
        => ParticipantId.TryParse(memberRowKey.AsSpan(MemberPrefix.Length), out var id)
            ? id
            : throw new FormatException($"{memberRowKey} is not the key of a member.");

    /// <summary>The row of the outbox with a number. The first number is 0 for a participant and 1 for a session.</summary>
    public static string Event(long number) => string.Create(CultureInfo.InvariantCulture, $"{EventPrefix}{number:D12}");

    public static bool IsEvent(string rowKey) => rowKey.StartsWith(EventPrefix, StringComparison.Ordinal);

    /// <summary>
    /// Whether a row is an event, or one of the rows with which events are numbered and delivered. These rows outlive their session or
    /// participant.
    /// </summary>
    public static bool IsOutbox(string rowKey) => IsEvent(rowKey) || rowKey is Devices or Callback;

    /// <summary>
    /// The partition with a row for each participant whose devices are connected to a gateway. No account id begins with this prefix.
    /// </summary>
    public static string Gateway(string gatewayName) => GatewayPrefix + gatewayName;

    public static long NumberOf(string eventRowKey) => long.Parse(eventRowKey.AsSpan(EventPrefix.Length), CultureInfo.InvariantCulture);

    /// <summary>The entry of an account's log with a position. The first entry has position 1.</summary>
    public static string Log(long position) => string.Create(CultureInfo.InvariantCulture, $"{LogPrefix}{position:D15}");

    public static bool IsLog(string rowKey) => rowKey.StartsWith(LogPrefix, StringComparison.Ordinal);

    public static long PositionOf(string logRowKey) => long.Parse(logRowKey.AsSpan(LogPrefix.Length), CultureInfo.InvariantCulture);

    /// <summary>The row in an account's log with the progress of the outbox in a partition.</summary>
    public static string Cursor(string outboxPartition) => $"{CursorPrefix}{outboxPartition}";

    /// <summary>Whether a row of an account's credentials is a user's.</summary>
    public static bool IsUser(string rowKey) => rowKey != Feed && rowKey.All(char.IsAsciiHexDigitLower);

    public const string WebhookPrefix = "webhook:";

    /// <summary>The first key after the webhooks.</summary>
    public const string AfterWebhooks = "webhook;";

    public static string Webhook(string webhookId) => WebhookPrefix + webhookId;

    public static string WebhookIdOf(string webhookRowKey) => webhookRowKey[WebhookPrefix.Length..];

    /// <summary>The partition with the progress of a webhook.</summary>
    public static string Partition(AccountId accountId, string webhookId) => $"{accountId}:{webhookId}";

    /// <summary>The row with the progress of a webhook. It sorts before the held events, so a query of both reads it first.</summary>
    public const string WebhookCursor = "cursor";

    public const string HeldPrefix = "held:";

    /// <summary>The first key after the held events.</summary>
    public const string AfterHeld = "held;";

    public const string FailedPrefix = "failed:";

    /// <summary>The first key after the failed events.</summary>
    public const string AfterFailed = "failed;";

    /// <summary>The row of an event that is not delivered to a webhook yet.</summary>
    public static string Held(long position) => string.Create(CultureInfo.InvariantCulture, $"{HeldPrefix}{position:D15}");

    /// <summary>The row of an event whose delivery failed for good.</summary>
    public static string Failed(long position) => string.Create(CultureInfo.InvariantCulture, $"{FailedPrefix}{position:D15}");

    /// <summary>The position in the log of a held or failed event.</summary>
    public static long HeldPositionOf(string heldOrFailedRowKey)
        => long.Parse(heldOrFailedRowKey.AsSpan(heldOrFailedRowKey.IndexOf(':') + 1), CultureInfo.InvariantCulture);

    public static string User(string userName) => Convert.ToHexStringLower(Encoding.UTF8.GetBytes(userName));

    public static string UserNameOf(string userRowKey) => Encoding.UTF8.GetString(Convert.FromHexString(userRowKey));

    /// <summary>
    /// The partition of the expiry index for the resource in <paramref name="partitionKey"/>, which ends in the hour of
    /// <paramref name="expires"/>.
    /// </summary>
    public static string Index(DateTimeOffset expires, string partitionKey)
        // There are sixteen partitions an hour, because a partition accepts at most 2,000 rows a second
        // (https://learn.microsoft.com/azure/storage/tables/scalability-targets).
        => $"{IndexHour(expires)}:{partitionKey[^1]}";

    /// <summary>The prefix of the partitions of the expiry index for an hour.</summary>
    public static string IndexHour(DateTimeOffset time)
        => $"{IndexPrefix}{time.UtcDateTime.ToString("yyyyMMddHH", CultureInfo.InvariantCulture)}";

    /// <summary>Whether a partition belongs to the expiry index, and not to a session or participant.</summary>
    public static bool IsIndex(string partitionKey) => partitionKey.StartsWith(IndexPrefix, StringComparison.Ordinal);

    /// <summary>
    /// The id of the resource that is created with an idempotency key in an account. <paramref name="kind"/> is the row key of a session or
    /// of a participant, so one key can create one session and one participant.
    /// </summary>
    public static Guid IdOf(string kind, AccountId accountId, string idempotencyKey)
    {
        // A UUID of version 8 (RFC 9562) with 122 bits of the digest. No part of the text can contain a line break.
        var bytes = SHA256.HashData(Encoding.UTF8.GetBytes($"{kind}\n{accountId}\n{idempotencyKey}")).AsSpan(0, 16);
        bytes[6] = (byte)((bytes[6] & 0x0F) | 0x80);
        bytes[8] = (byte)((bytes[8] & 0x3F) | 0x80);
        return new(bytes, bigEndian: true);
    }
}
