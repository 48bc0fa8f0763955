using Azure.Data.Tables;

namespace Sessions.Storage;

/// <summary>What a credential may do.</summary>
public enum Access
{
    /// <summary>Only the GETs.</summary>
    Read,

    /// <summary>Everything.</summary>
    Write,
}

/// <summary>A user of an account.</summary>
/// <param name="SecretHash">The SHA-256 of the secret's UTF-8; the secret itself is stored nowhere.</param>
/// <param name="Access">What the user may do.</param>
public sealed record Credential(byte[] SecretHash, Access Access);

/// <summary>The credentials of all accounts.</summary>
public sealed class CredentialStore(Tables tables, TimeProvider time)
{
    /// <summary>The longest user name, in UTF-8 bytes: its hex is a key, which may have 512 characters.</summary>
    public const int MaxUserNameBytes = 256;

    /// <summary>The credential of a user, or null when there is none.</summary>
    public async Task<Credential?> FindAsync(string accountId, string userName, CancellationToken cancellation)
        => await tables.Credentials.FindAsync(accountId, Keys.User(userName), cancellation) is { } row
            ? new(row.GetBinary(Columns.SecretHash), Enum.Parse<Access>(row.GetString(Columns.Access)))
            : null;

    /// <summary>Stores a credential, in place of the user's earlier one.</summary>
    public Task SaveAsync(string accountId, string userName, Credential credential, CancellationToken cancellation)
        => tables.Credentials.UpsertEntityAsync(
            new TableEntity(accountId, Keys.User(userName))
            {
                [Columns.SecretHash] = credential.SecretHash,
                [Columns.Access] = credential.Access.ToString(),
                [Columns.Created] = time.GetUtcNow(),
                [Columns.WriteId] = Guid.NewGuid().ToString(),
            },
            TableUpdateMode.Replace,
            cancellation);
}
