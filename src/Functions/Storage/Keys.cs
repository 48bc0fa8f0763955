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

    private const string MemberPrefix = "member:";

    /// <summary>The partition of a session or of a participant.</summary>
    public static string Partition(string accountId, Guid id) => $"{accountId}:{id}";

    public static string Member(Guid participantId) => $"{MemberPrefix}{participantId}";

    public static bool IsMember(string rowKey) => rowKey.StartsWith(MemberPrefix, StringComparison.Ordinal);

    public static Guid ParticipantOf(string memberRowKey) => Guid.ParseExact(memberRowKey.AsSpan(MemberPrefix.Length), "D");

    public static string User(string userName) => Convert.ToHexStringLower(Encoding.UTF8.GetBytes(userName));
}
