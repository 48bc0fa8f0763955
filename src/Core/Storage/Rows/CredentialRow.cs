using Azure;
using Azure.Data.Tables;
using Sessions.Model;
using Sessions.Security;

namespace Sessions.Storage;

/// <summary>The row of a user of an account.</summary>
internal sealed record CredentialRow(AccountId AccountId, string UserName, Credential Credential, DateTimeOffset Created)
{
    public ETag ETag { get; private init; }

    public string WriteId { get; private init; } = Guid.NewGuid().ToString();

    /// <summary>Reads the row. Returns null if it does not exist. One storage call.</summary>
    public static async Task<CredentialRow?> FindAsync(
        TableClient table, AccountId accountId, string userName, CancellationToken cancellation)
        => await table.FindAsync(accountId.ToString(), Keys.User(userName), cancellation) is { } row
            ? new(accountId, userName, CredentialOf(row), row.GetDateTimeOffset(Columns.Created)!.Value)
            {
                ETag = row.ETag,
                WriteId = row.GetString(Columns.WriteId),
            }
            : null;

    /// <summary>Lists the users of an account, in the order of their names' bytes.</summary>
    public static IAsyncEnumerable<CredentialUser> ListAsync(TableClient table, AccountId accountId, CancellationToken cancellation)
        => table.QueryAsync<TableEntity>(
                TableClient.CreateQueryFilter($"PartitionKey eq {accountId.ToString()}"),
                select: ["PartitionKey", "RowKey", Columns.Access, Columns.Created],
                cancellationToken: cancellation)
            .Where(row => Keys.IsUser(row.RowKey))
            .Select(row => new CredentialUser(Keys.UserNameOf(row.RowKey), AccessOf(row), row.GetDateTimeOffset(Columns.Created)!.Value));

    public TableEntity ToEntity()
    {
        var row = new TableEntity(AccountId.ToString(), Keys.User(UserName))
        {
            [Columns.SecretHash] = Credential.SecretHash,
            [Columns.Access] = Credential.Access.ToString(),
            [Columns.Created] = Created,
            [Columns.WriteId] = WriteId,
        };
        if (Credential.Previous is { } previous)
        {
            row[Columns.PreviousSecretHash] = previous.SecretHash;
            row[Columns.PreviousExpires] = previous.Expires;
        }

        return row;
    }

    /// <summary>
    /// The columns that change when the secret is rotated. The previous secret stays valid until <paramref name="previousExpires"/>.
    /// </summary>
    public TableEntity SecretChange(byte[] secretHash, DateTimeOffset previousExpires, string writeId)
        => new(AccountId.ToString(), Keys.User(UserName))
        {
            [Columns.SecretHash] = secretHash,
            [Columns.PreviousSecretHash] = Credential.SecretHash,
            [Columns.PreviousExpires] = previousExpires,
            [Columns.WriteId] = writeId,
        };

    private static Credential CredentialOf(TableEntity row) => new(row.GetBinary(Columns.SecretHash), AccessOf(row), PreviousOf(row));

    private static PreviousSecret? PreviousOf(TableEntity row)
        => row.GetBinary(Columns.PreviousSecretHash) is { } hash
            ? new(hash, row.GetDateTimeOffset(Columns.PreviousExpires)!.Value)
            : null;

    private static Access AccessOf(TableEntity row) => Enum.Parse<Access>(row.GetString(Columns.Access));
}
