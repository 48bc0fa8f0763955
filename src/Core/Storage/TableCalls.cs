using Azure;
using Azure.Data.Tables;
using Azure.Data.Tables.Models;

namespace Sessions.Storage;

/// <summary>The result of a write.</summary>
internal enum WriteOutcome
{
    /// <summary>The write is stored.</summary>
    Done,

    /// <summary>The write was refused and changed nothing, because the row already exists or has another ETag.</summary>
    Conflict,

    /// <summary>The write was refused and changed nothing, because the row does not exist.</summary>
    Missing,

    /// <summary>The connection failed, so the write changed nothing.</summary>
    NotSent,

    /// <summary>There was no clear response. The write may be stored, or may still be applied later.</summary>
    Unknown,
}

/// <summary>A write's outcome.</summary>
/// <param name="Outcome">The outcome.</param>
/// <param name="ETag">The ETag of the row if it is stored.</param>
/// <param name="FailedAction">The index of the transaction's action that failed, or null if none did or it is unknown.</param>
internal readonly record struct Write(WriteOutcome Outcome, ETag ETag = default, int? FailedAction = null);

/// <summary>Calls of <see cref="TableClient"/> that return expected outcomes as values and throw only for unexpected ones.</summary>
internal static class TableCalls
{
    /// <summary>How many changes a transaction may have at most (https://learn.microsoft.com/rest/api/storageservices/performing-entity-group-transactions).</summary>
    public const int MaxTransactionActions = 100;

    /// <summary>
    /// How many rows a page may have at most. A request for more is an error
    /// (https://learn.microsoft.com/rest/api/storageservices/query-timeout-and-pagination).
    /// </summary>
    public const int MaxPageSize = 1_000;

    /// <summary>Reads a row. Returns null if it does not exist.</summary>
    public static async Task<TableEntity?> FindAsync(
        this TableClient table, string partitionKey, string rowKey, CancellationToken cancellation)
    {
        var found = await table.GetEntityIfExistsAsync<TableEntity>(partitionKey, rowKey, cancellationToken: cancellation);
        if (found.HasValue)
            return found.Value;

        // For the SDK, a missing table is the same as a missing row.
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

    /// <summary>
    /// Changes a row that was read: <see cref="TryMergeAsync"/> under its ETag, or <see cref="TryAddAsync"/> if it did not exist.
    /// </summary>
    public static Task<Write> TryAddOrMergeAsync(this TableClient table, TableEntity row, ETag etag, CancellationToken cancellation)
        => etag == default ? table.TryAddAsync(row, cancellation) : table.TryMergeAsync(row, etag, cancellation);

    /// <summary>Like <see cref="TryAddOrMergeAsync"/>, as an action of a transaction.</summary>
    public static TableTransactionAction AddOrMerge(TableEntity row, ETag etag)
        => etag == default ? new(TableTransactionActionType.Add, row) : new(TableTransactionActionType.UpdateMerge, row, etag);

    /// <summary>
    /// Deletes the row if it has the ETag. The deletion is sent as a transaction, because .NET resends a request without a body if its
    /// connection closes before the response, and the second response would be that the row does not exist.
    /// </summary>
    public static Task<Write> TryDeleteAsync(
        this TableClient table, string partitionKey, string rowKey, ETag etag, CancellationToken cancellation)
        => table.TrySubmitAsync([new(TableTransactionActionType.Delete, new TableEntity(partitionKey, rowKey), etag)], cancellation);

    /// <summary>
    /// Submits actions of one partition as a transaction, which makes all of them or none. The ETag in the result is that of the first
    /// action's row.
    /// </summary>
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
            return new(WriteOutcome.Conflict, FailedAction: FailedActionOf(exception));
        }
        catch (RequestFailedException exception) when (exception.Status == 404 && exception.ErrorCode != TableErrorCode.TableNotFound)
        {
            return new(WriteOutcome.Missing, FailedAction: FailedActionOf(exception));
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

    private static int? FailedActionOf(RequestFailedException exception)
        => (exception as TableTransactionFailedException)?.FailedTransactionActionIndex;
}
