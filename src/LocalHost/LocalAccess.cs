namespace Sessions.LocalHost;

/// <summary>The credential that LocalHost creates in storage on this machine, and who can reach it.</summary>
/// <param name="User">The user.</param>
/// <param name="Secret">The user's secret.</param>
/// <param name="IsOpenToNetwork">Whether other machines may use the default credential and the page <c>/call</c>.</param>
internal sealed record LocalAccess(string User, string Secret, bool IsOpenToNetwork)
{
    /// <summary>The default credential, which is public, for this machine only.</summary>
    public static LocalAccess Known { get; } = new(LocalCredential.User, LocalCredential.Secret, IsOpenToNetwork: false);

    /// <summary>The secret for places where others may see it. A secret that the user chose is replaced with a placeholder.</summary>
    public string ShownSecret => IsKnown ? Secret : "SECRET";

    /// <summary>Whether the credential is the default one.</summary>
    public bool IsKnown => (User, Secret) == (LocalCredential.User, LocalCredential.Secret);
}
