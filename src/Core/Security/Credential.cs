namespace Sessions.Security;

/// <summary>The access that a credential grants.</summary>
public enum Access
{
    /// <summary>Only GET requests.</summary>
    Read,

    /// <summary>All requests.</summary>
    Write,
}

/// <summary>A secret and the access that it grants.</summary>
/// <param name="SecretHash">The SHA-256 of the secret's UTF-8. The secret itself is not stored.</param>
/// <param name="Access">The user's access.</param>
/// <param name="Previous">The secret from before the last rotation, or null if there was none.</param>
public sealed record Credential(byte[] SecretHash, Access Access, PreviousSecret? Previous = null);

/// <summary>The secret from before a rotation.</summary>
/// <param name="SecretHash">The SHA-256 of its UTF-8.</param>
/// <param name="Expires">When it stops being accepted.</param>
public sealed record PreviousSecret(byte[] SecretHash, DateTimeOffset Expires);

/// <summary>A user of an account, without the secret's hash.</summary>
public sealed record CredentialUser(string Name, Access Access, DateTimeOffset Created);
