using Azure;
using Azure.Data.Tables;

namespace Sessions.Storage;

/// <summary>The tables.</summary>
/// <param name="table">The client of the table with a name.</param>
public sealed class Tables(Func<string, TableClient> table)
{
    /// <summary>The tables of a storage account.</summary>
    public Tables(TableServiceClient service)
        : this(service.GetTableClient)
    {
    }

    /// <summary>A partition for each session: its header and its members.</summary>
    public TableClient Sessions { get; } = table("sessions");

    /// <summary>A partition for each participant: its fields and its claim.</summary>
    public TableClient Participants { get; } = table("participants");

    /// <summary>A partition for each account: its users, its webhooks, and whether its feed is on.</summary>
    public TableClient Credentials { get; } = table("credentials");

    /// <summary>A partition for each account whose feed is or was on, with its log of events, and one for the progress of each webhook.</summary>
    public TableClient Events { get; } = table("events");

    internal IEnumerable<TableClient> All => [Sessions, Participants, Credentials, Events];

    /// <summary>Makes the tables that are not there yet.</summary>
    public Task CreateAsync(CancellationToken cancellation)
        => Task.WhenAll(All.Select(table => table.CreateIfNotExistsAsync(cancellation)));

    /// <summary>Asks each of these tables for a row.</summary>
    /// <exception cref="StorageUnavailableException">A table is missing, or may not be read, or does not answer.</exception>
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
        StorageCause.Silent => "does not answer",
        StorageCause.Busy => "is busy",
        _ => "cannot be read",
    };
}
