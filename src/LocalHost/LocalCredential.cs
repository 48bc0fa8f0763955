using Sessions.Model;

namespace Sessions.LocalHost;

/// <summary>The default credential, which LocalHost creates only in storage on this machine, because anyone can read it here.</summary>
internal static class LocalCredential
{
    public const string Account = "9900000";
    public const string User = "local";
    public const string Secret = "local";

    public static AccountId AccountId { get; } = AccountId.Parse(Account);
}
