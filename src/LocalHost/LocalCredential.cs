using Sessions.Model;

namespace Sessions.LocalHost;

/// <summary>The credential that LocalHost makes, in storage on this machine only: everyone can read it here.</summary>
internal static class LocalCredential
{
    public const string Account = "9900000";
    public const string User = "local";
    public const string Secret = "local";

    public static AccountId AccountId { get; } = AccountId.Parse(Account);
}
