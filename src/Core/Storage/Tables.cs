using Azure;
using Azure.Data.Tables;

namespace Sessions.Storage;

/// <summary>The tables.</summary>
/// <param name="table">Returns the client of the table with this name.</param>
public sealed class Tables(Func<string, TableClient> table)
{
    /// <summary>The tables of a storage account.</summary>
    public Tables(TableServiceClient service)
        : this(service.GetTableClient)
    {
    }

    /// <summary>The sessions. Each has a partition with its header and its members.</summary>
    public TableClient Sessions { get; } = table("sessions");

    /// <summary>The participants. Each has a partition with its fields and its claim.</summary>
    public TableClient Participants { get; } = table("participants");

    /// <summary>The accounts. Each has a partition with its users, its webhooks, and whether its feed is on.</summary>
    public TableClient Credentials { get; } = table("credentials");

    /// <summary>
    /// The logs of events. Each account whose feed is or was on has a partition with its log, and each webhook has one with its progress.
    /// </summary>
    public TableClient Events { get; } = table("events");

    internal IEnumerable<TableClient> All => [Sessions, Participants, Credentials, Events];

    /// <summary>Creates the tables that do not exist yet.</summary>
    public Task CreateAsync(CancellationToken cancellation)
        => Task.WhenAll(All.Select(table => table.CreateIfNotExistsAsync(cancellation)));

    /// <summary>Reads one row of each of these tables.</summary>
    /// <exception cref="StorageUnavailableException">A table is missing, cannot be read, or does not respond.</exception>
    internal static Task CheckAsync(IEnumerable<TableClient> tables, CancellationToken cancellation)
        => Task.WhenAll(tables.Select(table => CheckAsync(table, cancellation)));

    private static async Task CheckAsync(TableClient table, CancellationToken cancellation)
    {
        try
        {
            await foreach (var _ in table.QueryAsync<TableEntity>(maxPerPage: 1, select: ["PartitionKey"], cancellationToken: cancellation))
                return;
        }
        catch (Exception exception) when (StorageFaults.CauseOf(exception) is var cause && (cause != StorageCause.Other || exception is RequestFailedException))
        {
            throw new StorageUnavailableException($"The table {table.Name} {Describe(cause)}.", exception) { IsExplained = true };
        }
    }

    private static string Describe(StorageCause cause) => cause switch
    {
        StorageCause.Missing => "is missing",
        StorageCause.Refused => "cannot be read, because storage refuses the key or the identity of the app",
        StorageCause.Silent => "does not respond",
        StorageCause.Busy => "is busy",
        _ => "cannot be read",
    };
}
