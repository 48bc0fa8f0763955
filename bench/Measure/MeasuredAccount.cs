using Azure.Data.Tables;
using Sessions.Model;
using Sessions.Security;
using Sessions.Storage;

namespace Sessions.Bench;

/// <summary>
/// An account whose feed of events is off, as in a new account. The feed of LocalHost's own account is on, so each change there sends a
/// message and LocalHost delivers the events.
/// </summary>
public static class MeasuredAccount
{
    /// <summary>The account.</summary>
    public const string Id = "9900001";

    /// <summary>Adds the same credential that LocalHost's account has. The tables must exist.</summary>
    public static Task AddAsync(string connectionString)
        => new CredentialStore(new Tables(new TableServiceClient(connectionString, StorageClient.Options())), TimeProvider.System).SaveAsync(
            AccountId.Parse(Id), "local", new(BasicCredentials.Hash("local"), Access.Write), CancellationToken.None);
}
