using Azure;
using Azure.Data.Tables;
using Sessions.Model;
using Sessions.Security;

namespace Sessions.Storage;

/// <summary>The credentials of all accounts.</summary>
public sealed class CredentialStore(Tables tables, TimeProvider time)
{
    /// <summary>The longest user name, in UTF-8 bytes: its hex is a key, which may have 512 characters.</summary>
    public const int MaxUserNameBytes = 256;

    /// <summary>The credential of a user, or null when there is none.</summary>
    public async Task<Credential?> FindAsync(AccountId accountId, string userName, CancellationToken cancellation)
        => (await CredentialRow.FindAsync(tables.Credentials, accountId, userName, cancellation))?.Credential;

    /// <summary>The users of an account, in the order of their names' bytes.</summary>
    public IAsyncEnumerable<CredentialUser> ListAsync(AccountId accountId, CancellationToken cancellation)
        => CredentialRow.ListAsync(tables.Credentials, accountId, cancellation);

    /// <summary>Stores the credential of a new user; false when there is one of this name already.</summary>
    /// <exception cref="StorageUnavailableException">It may be stored or not.</exception>
    public async Task<bool> AddAsync(AccountId accountId, string userName, Credential credential, CancellationToken cancellation)
    {
        var row = new CredentialRow(accountId, userName, credential, time.GetUtcNow());
        var write = await tables.Credentials.TryAddAsync(row.ToEntity(), cancellation);
        if (write.Outcome == WriteOutcome.Done)
            return true;

        // A row that is there may be this one, when its answer was lost; its WriteId tells.
        return await CredentialRow.FindAsync(tables.Credentials, accountId, userName, cancellation) is { } stored
            ? stored.WriteId == row.WriteId
            : throw new StorageUnavailableException("It is not known whether the credential is stored.");
    }

    /// <summary>
    /// Gives a user another secret, and lets the one before be taken for a while still; false when there is no such user.
    /// A secret from before that one is not taken any more.
    /// </summary>
    public async Task<bool> RotateAsync(
        AccountId accountId, string userName, byte[] secretHash, TimeSpan keep, CancellationToken cancellation)
    {
        var budget = new RetryBudget(time, cancellation);
        var writeId = Guid.NewGuid().ToString();
        while (await CredentialRow.FindAsync(tables.Credentials, accountId, userName, cancellation) is { } stored)
        {
            // It was stored, and the answer was lost.
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

    /// <summary>Deletes a user's credential; false when there is none.</summary>
    /// <exception cref="StorageUnavailableException">It may be deleted or not.</exception>
    public async Task<bool> RemoveAsync(AccountId accountId, string userName, CancellationToken cancellation)
    {
        var write = await tables.Credentials.TryDeleteAsync(accountId.ToString(), Keys.User(userName), ETag.All, cancellation);
        if (write.Outcome is WriteOutcome.Done or WriteOutcome.Missing)
            return write.Outcome == WriteOutcome.Done;

        return await FindAsync(accountId, userName, cancellation) is null
            ? true
            : throw new StorageUnavailableException("It is not known whether the credential is deleted.");
    }

    /// <summary>Stores a credential, in place of the user's earlier one.</summary>
    public Task SaveAsync(AccountId accountId, string userName, Credential credential, CancellationToken cancellation)
        => tables.Credentials.UpsertEntityAsync(
            new CredentialRow(accountId, userName, credential, time.GetUtcNow()).ToEntity(), TableUpdateMode.Replace, cancellation);
}
