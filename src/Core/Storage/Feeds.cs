using Azure;
using Azure.Data.Tables;
using Sessions.Model;
using Sessions.Security;

namespace Sessions.Storage;

/// <summary>
/// The accounts that have a feed of all their events. A feed is off until it is turned on, so an account without a feed causes no cost for
/// it.
/// </summary>
public sealed class Feeds(Tables tables, TimeProvider time)
{
    /// <summary>How long a server caches whether an account's feed is on.</summary>
    public static readonly TimeSpan Memory = TimeSpan.FromMinutes(1);

    private const int MaxRemembered = 10_000;

    private readonly BoundedMemory<AccountId, (bool IsOn, long Read)> _remembered = new(MaxRemembered);

    /// <summary>Whether the feed is on, as read at most <see cref="Memory"/> ago. One storage call if the state is not cached.</summary>
    public async ValueTask<bool> IsOnAsync(AccountId accountId, CancellationToken cancellation)
    {
        if (_remembered.TryGet(accountId, out var remembered) && time.GetElapsedTime(remembered.Read) < Memory)
            return remembered.IsOn;

        var read = time.GetTimestamp();
        var isOn = await tables.Credentials.FindAsync(accountId.ToString(), Keys.Feed, cancellation) is not null;
        _remembered.Set(accountId, (isOn, read));
        return isOn;
    }

    /// <summary>
    /// Turns the feed on. Servers that have cached that it is off may still treat it as off for up to <see cref="Memory"/>.
    /// </summary>
    public async Task TurnOnAsync(AccountId accountId, CancellationToken cancellation)
    {
        // This row is written first, because the sweep finds the account by it.
        await tables.Events.UpsertEntityAsync(new TableEntity(Keys.Feeds, accountId.ToString()), TableUpdateMode.Replace, cancellation);
        await tables.Credentials.UpsertEntityAsync(
            new TableEntity(accountId.ToString(), Keys.Feed) { [Columns.Created] = time.GetUtcNow() }, TableUpdateMode.Merge, cancellation);
        _remembered.Remove(accountId);
    }

    /// <summary>Turns the feed off. Returns false if it is already off. The entries of the log stay until they expire.</summary>
    public async Task<bool> TurnOffAsync(AccountId accountId, CancellationToken cancellation)
    {
        var write = await tables.Credentials.TryDeleteAsync(accountId.ToString(), Keys.Feed, ETag.All, cancellation);
        _remembered.Remove(accountId);
        return write.Outcome switch
        {
            WriteOutcome.Done => true,
            WriteOutcome.Missing => false,
            _ => throw new StorageUnavailableException("It is not known whether the feed is off."),
        };
    }

    /// <summary>Lists the accounts whose feed is or was on.</summary>
    internal IAsyncEnumerable<AccountId> ListAsync(CancellationToken cancellation)
        => tables.Events.QueryAsync<TableEntity>(
                TableClient.CreateQueryFilter($"PartitionKey eq {Keys.Feeds}"), select: ["PartitionKey", "RowKey"], cancellationToken: cancellation)
            .Select(row => AccountId.Parse(row.RowKey));
}
