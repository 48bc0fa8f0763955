using System.Security.Cryptography;
using System.Text;

namespace Sessions.Storage;

/// <summary>
/// Every key of every table. Nothing needs escaping: account ids are validated (<see cref="Security.AccountId"/>),
/// the other ids are generated, and user names are written as hex.
/// </summary>
internal static class Keys
{
    public const string Header = "session";
    public const string Participant = "participant";

    /// <summary>A row that says that its session or participant was created with an idempotency key. It outlives a deletion.</summary>
    public const string IdempotencyMark = "idempotency";

    private const string MemberPrefix = "member:";

    /// <summary>
    /// The id that an idempotency key stands for in its account. <paramref name="kind"/> is the row key of what is created:
    /// a key stands for one session and for one participant.
    /// </summary>
    public static Guid IdOf(string kind, string accountId, string idempotencyKey)
    {
        // A UUID of version 8 (RFC 9562): 122 bits of the digest. No part of the text can hold a line break.
        var bytes = SHA256.HashData(Encoding.UTF8.GetBytes($"{kind}\n{accountId}\n{idempotencyKey}")).AsSpan(0, 16);
        bytes[6] = (byte)((bytes[6] & 0x0F) | 0x80);
        bytes[8] = (byte)((bytes[8] & 0x3F) | 0x80);
        return new(bytes, bigEndian: true);
    }

    /// <summary>The partition of a session or of a participant.</summary>
    public static string Partition(string accountId, Guid id) => $"{accountId}:{id}";

    public static string Member(Guid participantId) => $"{MemberPrefix}{participantId}";

    public static bool IsMember(string rowKey) => rowKey.StartsWith(MemberPrefix, StringComparison.Ordinal);

    public static Guid ParticipantOf(string memberRowKey) => Guid.ParseExact(memberRowKey.AsSpan(MemberPrefix.Length), "D");

    public static string User(string userName) => Convert.ToHexStringLower(Encoding.UTF8.GetBytes(userName));

    public static string UserNameOf(string userRowKey) => Encoding.UTF8.GetString(Convert.FromHexString(userRowKey));

    /// <summary>Whether a partition may be a session's or a participant's: no account id is empty.</summary>
    public static bool HasAccount(string partitionKey) => !partitionKey.StartsWith(':');
}
