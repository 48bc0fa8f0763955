namespace Sessions.LocalHost;

/// <summary>The credential that LocalHost makes in storage on this machine, and who may reach it.</summary>
/// <param name="User">The user.</param>
/// <param name="Secret">The user's secret.</param>
/// <param name="IsOpenToNetwork">Whether other machines may use the known credential and the page <c>/call</c>.</param>
internal sealed record LocalAccess(string User, string Secret, bool IsOpenToNetwork)
{
    /// <summary>The credential that everybody knows, for this machine alone.</summary>
    public static LocalAccess Known { get; } = new(LocalCredential.User, LocalCredential.Secret, IsOpenToNetwork: false);

    /// <summary>The secret where others may see it: one of your own is not shown.</summary>
    public string ShownSecret => IsKnown ? Secret : "SECRET";

    /// <summary>Whether the credential is the one that everybody knows.</summary>
    public bool IsKnown => (User, Secret) == (LocalCredential.User, LocalCredential.Secret);
}
