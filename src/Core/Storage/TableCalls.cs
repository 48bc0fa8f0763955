using Azure;
using Azure.Data.Tables;
using Azure.Data.Tables.Models;

namespace Sessions.Storage;

/// <summary>How a write ended.</summary>
internal enum WriteOutcome
{
    /// <summary>It is stored.</summary>
    Done,

    /// <summary>Refused and nothing changed: the row is there already, or has another ETag.</summary>
    Conflict,

    /// <summary>Refused and nothing changed: the row is not there.</summary>
    Missing,

    /// <summary>No connection was made, and nothing changed.</summary>
    NotSent,

    /// <summary>No clear answer: it may be stored, or may yet be.</summary>
    Unknown,
}

/// <summary>A write's outcome, and the ETag of the row when it is stored.</summary>
internal readonly record struct Write(WriteOutcome Outcome, ETag ETag = default);

/// <summary>The calls of <see cref="TableClient"/> with expected outcomes as values; only the unexpected is thrown.</summary>
internal static class TableCalls
{
    /// <summary>How many changes a transaction may have at most (https://learn.microsoft.com/rest/api/storageservices/performing-entity-group-transactions).</summary>
    public const int MaxTransactionActions = 100;

    /// <summary>How many rows a page may have at most; to ask for more is an error (https://learn.microsoft.com/rest/api/storageservices/query-timeout-and-pagination).</summary>
    public const int MaxPageSize = 1_000;

    /// <summary>The row, or null when there is none.</summary>
    public static async Task<TableEntity?> FindAsync(
        this TableClient table, string partitionKey, string rowKey, CancellationToken cancellation)
    {
        var found = await table.GetEntityIfExistsAsync<TableEntity>(partitionKey, rowKey, cancellationToken: cancellation);
        if (found.HasValue)
            return found.Value;

        // The SDK answers a missing table, too, as a missing row.
        var response = found.GetRawResponse();
        return response.Headers.TryGetValue("x-ms-error-code", out var code) && code == TableErrorCode.TableNotFound
            ? throw new RequestFailedException(response)
            : null;
    }

    public static Task<Write> TryAddAsync(this TableClient table, TableEntity row, CancellationToken cancellation)
        => TryAsync(() => table.AddEntityAsync(row, cancellation), cancellation);

    /// <summary>Changes the columns that <paramref name="row"/> has, if the stored row has the ETag.</summary>
    public static Task<Write> TryMergeAsync(this TableClient table, TableEntity row, ETag etag, CancellationToken cancellation)
        => TryAsync(() => table.UpdateEntityAsync(row, etag, TableUpdateMode.Merge, cancellation), cancellation);

    /// <summary>Changes the row as it was read: <see cref="TryMergeAsync"/> with its ETag, or <see cref="TryAddAsync"/> when there was none.</summary>
    public static Task<Write> TryAddOrMergeAsync(this TableClient table, TableEntity row, ETag etag, CancellationToken cancellation)
        => etag == default ? table.TryAddAsync(row, cancellation) : table.TryMergeAsync(row, etag, cancellation);

    /// <summary>The same as an action of a transaction.</summary>
    public static TableTransactionAction AddOrMerge(TableEntity row, ETag etag)
        => etag == default ? new(TableTransactionActionType.Add, row) : new(TableTransactionActionType.UpdateMerge, row, etag);

    /// <summary>
    /// Deletes the row, if it has the ETag. As a transaction, because .NET sends a request without a body again when its
    /// connection closes without an answer, and the second answer would be that there is no such row.
    /// </summary>
    public static Task<Write> TryDeleteAsync(
        this TableClient table, string partitionKey, string rowKey, ETag etag, CancellationToken cancellation)
        => table.TrySubmitAsync([new(TableTransactionActionType.Delete, new TableEntity(partitionKey, rowKey), etag)], cancellation);

    /// <summary>All of the actions, which are of one partition, or none of them. The ETag is that of the first one's row.</summary>
    public static Task<Write> TrySubmitAsync(
        this TableClient table, IEnumerable<TableTransactionAction> actions, CancellationToken cancellation)
        => TryAsync(
            async () =>
            {
                using var named = StorageTelemetry.TransactionOn(table.Name);
                return (await table.SubmitTransactionAsync(actions, cancellation)).Value[0];
            },
            cancellation);

    private static async Task<Write> TryAsync(Func<Task<Response>> send, CancellationToken cancellation)
    {
        try
        {
            var response = await send();
            return new(WriteOutcome.Done, response.Headers.ETag ?? default);
        }
        catch (RequestFailedException exception) when (exception.Status is 409 or 412)
        {
            return new(WriteOutcome.Conflict);
        }
        catch (RequestFailedException exception) when (exception.Status == 404 && exception.ErrorCode != TableErrorCode.TableNotFound)
        {
            return new(WriteOutcome.Missing);
        }
        catch (RequestFailedException exception) when (StorageFaults.IsUnreached(exception))
        {
            return new(WriteOutcome.NotSent);
        }
        catch (Exception exception) when (StorageFaults.IsTransient(exception) && !cancellation.IsCancellationRequested)
        {
            return new(WriteOutcome.Unknown);
        }
    }
}
