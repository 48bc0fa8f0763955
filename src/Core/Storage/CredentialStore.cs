using System.Runtime.CompilerServices;
using Azure;
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

/// <summary>The credentials of all accounts.</summary>
public sealed class CredentialStore(Tables tables, TimeProvider time)
{
    /// <summary>The longest user name, in UTF-8 bytes: its hex is a key, which may have 512 characters.</summary>
    public const int MaxUserNameBytes = 256;

    /// <summary>The credential of a user, or null when there is none.</summary>
    public async Task<Credential?> FindAsync(string accountId, string userName, CancellationToken cancellation)
        => await tables.Credentials.FindAsync(accountId, Keys.User(userName), cancellation) is { } row
            ? new(row.GetBinary(Columns.SecretHash), Enum.Parse<Access>(row.GetString(Columns.Access)), PreviousOf(row))
            : null;

    /// <summary>The users of an account, in the order of their names' bytes.</summary>
    public async IAsyncEnumerable<CredentialUser> ListAsync(string accountId, [EnumeratorCancellation] CancellationToken cancellation)
    {
        var query = tables.Credentials.QueryAsync<TableEntity>(
            TableClient.CreateQueryFilter($"PartitionKey eq {accountId}"),
            select: ["PartitionKey", "RowKey", Columns.Access, Columns.Created],
            cancellationToken: cancellation);
        await foreach (var row in query)
        {
            yield return new(
                Keys.UserNameOf(row.RowKey),
                Enum.Parse<Access>(row.GetString(Columns.Access)),
                row.GetDateTimeOffset(Columns.Created)!.Value);
        }
    }

    /// <summary>Stores the credential of a new user; false when there is one of this name already.</summary>
    /// <exception cref="StorageUnavailableException">It may be stored or not.</exception>
    public async Task<bool> AddAsync(string accountId, string userName, Credential credential, CancellationToken cancellation)
    {
        var row = RowOf(accountId, userName, credential);
        var write = await tables.Credentials.TryAddAsync(row, cancellation);
        if (write.Outcome == WriteOutcome.Done)
            return true;

        // A row that is there may be this one, when its answer was lost; its WriteId tells.
        var stored = await tables.Credentials.FindAsync(row.PartitionKey, row.RowKey, cancellation);
        return stored is not null
            ? stored.GetString(Columns.WriteId) == row.GetString(Columns.WriteId)
            : throw new StorageUnavailableException("It is not known whether the credential is stored.");
    }

    /// <summary>
    /// Gives a user another secret, and lets the one before be taken for a while still; false when there is no such user.
    /// A secret from before that one is not taken any more.
    /// </summary>
    public async Task<bool> RotateAsync(
        string accountId, string userName, byte[] secretHash, TimeSpan keep, CancellationToken cancellation)
    {
        var attempts = new Attempts(time, cancellation);
        var writeId = Guid.NewGuid().ToString();
        while (await tables.Credentials.FindAsync(accountId, Keys.User(userName), cancellation) is { } stored)
        {
            // It was stored, and the answer was lost.
            if (stored.GetString(Columns.WriteId) == writeId)
                return true;

            var change = new TableEntity(stored.PartitionKey, stored.RowKey)
            {
                [Columns.SecretHash] = secretHash,
                [Columns.PreviousSecretHash] = stored.GetBinary(Columns.SecretHash),
                [Columns.PreviousExpires] = time.GetUtcNow() + keep,
                [Columns.WriteId] = writeId,
            };
            var write = await tables.Credentials.TryMergeAsync(change, stored.ETag, cancellation);
            if (write.Outcome == WriteOutcome.Done)
                return true;

            await attempts.PauseAsync();
        }

        return false;
    }

    /// <summary>Deletes a user's credential; false when there is none.</summary>
    /// <exception cref="StorageUnavailableException">It may be deleted or not.</exception>
    public async Task<bool> RemoveAsync(string accountId, string userName, CancellationToken cancellation)
    {
        var write = await tables.Credentials.TryDeleteAsync(accountId, Keys.User(userName), ETag.All, cancellation);
        if (write.Outcome is WriteOutcome.Done or WriteOutcome.Missing)
            return write.Outcome == WriteOutcome.Done;

        return await FindAsync(accountId, userName, cancellation) is null
            ? true
            : throw new StorageUnavailableException("It is not known whether the credential is deleted.");
    }

    /// <summary>Stores a credential, in place of the user's earlier one.</summary>
    public Task SaveAsync(string accountId, string userName, Credential credential, CancellationToken cancellation)
        => tables.Credentials.UpsertEntityAsync(RowOf(accountId, userName, credential), TableUpdateMode.Replace, cancellation);

    private static PreviousSecret? PreviousOf(TableEntity row)
        => row.GetBinary(Columns.PreviousSecretHash) is { } hash
            ? new(hash, row.GetDateTimeOffset(Columns.PreviousExpires)!.Value)
            : null;

    private TableEntity RowOf(string accountId, string userName, Credential credential)
    {
        var row = new TableEntity(accountId, Keys.User(userName))
        {
            [Columns.SecretHash] = credential.SecretHash,
            [Columns.Access] = credential.Access.ToString(),
            [Columns.Created] = time.GetUtcNow(),
            [Columns.WriteId] = Guid.NewGuid().ToString(),
        };
        if (credential.Previous is { } previous)
        {
            row[Columns.PreviousSecretHash] = previous.SecretHash;
            row[Columns.PreviousExpires] = previous.Expires;
        }

        return row;
    }
}
