namespace Sessions.Security;

/// <summary>What a credential may do.</summary>
public enum Access
{
    /// <summary>Only the GETs.</summary>
    Read,

    /// <summary>Everything.</summary>
    Write,
}

/// <summary>A secret and what it opens.</summary>
/// <param name="SecretHash">The SHA-256 of the secret's UTF-8; the secret itself is stored nowhere.</param>
/// <param name="Access">What the user may do.</param>
/// <param name="Previous">The secret before the last rotation; null when there was none.</param>
public sealed record Credential(byte[] SecretHash, Access Access, PreviousSecret? Previous = null);

/// <summary>A secret that was rotated.</summary>
/// <param name="SecretHash">Its hash.</param>
/// <param name="Expires">Until when it is taken still.</param>
public sealed record PreviousSecret(byte[] SecretHash, DateTimeOffset Expires);

/// <summary>A user of an account, without the secret's hash.</summary>
public sealed record CredentialUser(string Name, Access Access, DateTimeOffset Created);
