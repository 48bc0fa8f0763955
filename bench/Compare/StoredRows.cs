using Azure.Data.Tables;

namespace Sessions.Compare;

/// <summary>A snapshot of all tables of a storage account.</summary>
internal sealed class StoredRows
{
    private const int AtOnce = 8;

    private readonly TableServiceClient _service;
    private readonly Dictionary<string, IReadOnlyList<TableTransactionAction[]>> _tables = [];

    private StoredRows(TableServiceClient service) => _service = service;

    /// <summary>Reads all tables.</summary>
    public static async Task<StoredRows> ReadAsync(string connectionString)
    {
        var stored = new StoredRows(new(connectionString));
        await foreach (var table in stored._service.QueryAsync())
        {
            List<TableEntity> rows = [];
            await foreach (var row in stored._service.GetTableClient(table.Name).QueryAsync<TableEntity>())
                rows.Add(row);
            stored._tables[table.Name] =
            [
                .. from row in rows
                   group new TableTransactionAction(TableTransactionActionType.Add, row) by row.PartitionKey into partition
                   from transaction in partition.Chunk(100) // The limit of Table Storage.
                   select transaction,
            ];
        }

        return stored;
    }

    /// <summary>Restores the tables to the snapshot. Nothing else may use them meanwhile.</summary>
    public async Task RestoreAsync()
    {
        foreach (var (name, transactions) in _tables)
        {
            await _service.DeleteTableAsync(name);
            var table = _service.GetTableClient(name);
            await table.CreateAsync();
            await Parallel.ForEachAsync(
                transactions,
                new ParallelOptions { MaxDegreeOfParallelism = AtOnce },
                async (transaction, cancellation) => await table.SubmitTransactionAsync(transaction, cancellation));
        }
    }
}
