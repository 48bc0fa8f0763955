using Azure;
using Azure.Data.Tables;
using Sessions.Model;
using Sessions.Security;

namespace Sessions.Storage;

/// <summary>The credentials of all accounts.</summary>
public sealed class CredentialStore(Tables tables, TimeProvider time)
{
    /// <summary>The longest user name, in UTF-8 bytes. The hex of the name is a row key, which may have 512 characters.</summary>
    public const int MaxUserNameBytes = 256;

    /// <summary>Finds the credential of a user, or returns null if the user does not exist.</summary>
    public async Task<Credential?> FindAsync(AccountId accountId, string userName, CancellationToken cancellation)
        => (await CredentialRow.FindAsync(tables.Credentials, accountId, userName, cancellation))?.Credential;

    /// <summary>Lists the users of an account, in the order of their names' bytes.</summary>
    public IAsyncEnumerable<CredentialUser> ListAsync(AccountId accountId, CancellationToken cancellation)
        => CredentialRow.ListAsync(tables.Credentials, accountId, cancellation);

    /// <summary>Stores the credential of a new user. Returns false if a user of this name already exists.</summary>
    /// <exception cref="StorageUnavailableException">It is unknown whether the credential was stored.</exception>
    public async Task<bool> AddAsync(AccountId accountId, string userName, Credential credential, CancellationToken cancellation)
    {
        var row = new CredentialRow(accountId, userName, credential, time.GetUtcNow());
        var write = await tables.Credentials.TryAddAsync(row.ToEntity(), cancellation);
        if (write.Outcome == WriteOutcome.Done)
            return true;

        // If the response was lost, the stored row may be the one from this request. Its WriteId shows this.
        return await CredentialRow.FindAsync(tables.Credentials, accountId, userName, cancellation) is { } stored
            ? stored.WriteId == row.WriteId
            : throw new StorageUnavailableException("It is not known whether the credential is stored.");
    }

    /// <summary>
    /// Replaces a user's secret. The previous secret stays valid for <paramref name="keep"/>, and any older one becomes invalid. Returns
    /// false if the user does not exist.
    /// </summary>
    public async Task<bool> RotateAsync(
        AccountId accountId, string userName, byte[] secretHash, TimeSpan keep, CancellationToken cancellation)
    {
        var budget = new RetryBudget(time, cancellation);
        var writeId = Guid.NewGuid().ToString();
        while (await CredentialRow.FindAsync(tables.Credentials, accountId, userName, cancellation) is { } stored)
        {
            // The write succeeded, but its response was lost.
            if (stored.WriteId == writeId)
                return true;

            var change = stored.SecretChange(secretHash, time.GetUtcNow() + keep, writeId);
            var write = await tables.Credentials.TryMergeAsync(change, stored.ETag, cancellation);
            if (write.Outcome == WriteOutcome.Done)
                return true;

            await budget.PauseAsync();
        }

        return false;
    }

    /// <summary>Deletes a user's credential. Returns false if the user does not exist.</summary>
    /// <exception cref="StorageUnavailableException">It is unknown whether the credential was deleted.</exception>
    public async Task<bool> RemoveAsync(AccountId accountId, string userName, CancellationToken cancellation)
    {
        var write = await tables.Credentials.TryDeleteAsync(accountId.ToString(), Keys.User(userName), ETag.All, cancellation);
        if (write.Outcome is WriteOutcome.Done or WriteOutcome.Missing)
            return write.Outcome == WriteOutcome.Done;

        return await FindAsync(accountId, userName, cancellation) is null
            ? true
            : throw new StorageUnavailableException("It is not known whether the credential is deleted.");
    }

    /// <summary>Stores a credential, and replaces the user's existing one.</summary>
    public Task SaveAsync(AccountId accountId, string userName, Credential credential, CancellationToken cancellation)
        => tables.Credentials.UpsertEntityAsync(
            new CredentialRow(accountId, userName, credential, time.GetUtcNow()).ToEntity(), TableUpdateMode.Replace, cancellation);
}
