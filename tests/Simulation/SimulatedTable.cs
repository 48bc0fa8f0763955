using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text.RegularExpressions;
using Azure;
using Azure.Core;
using Azure.Data.Tables;
using Azure.Data.Tables.Models;

namespace Sessions.Tests.Simulation;

/// <summary>
/// A table for one caller. <paramref name="send"/> decides when each call happens and which response arrives. It supports the calls that
/// the stores use. A query has pages of <paramref name="pageSize"/> rows, and each page is a separate call.
/// </summary>
internal sealed partial class SimulatedTable(string name, Func<TableCall, Task<TableAnswer>> send, int pageSize = int.MaxValue) : TableClient
{
    private bool _isDeleted;

    public override string Name => name;

    /// <summary>Makes the table unavailable. Its rows remain, and are available again after the table is created again.</summary>
    public override Task<Response> DeleteAsync(CancellationToken cancellationToken = default)
    {
        _isDeleted = true;
        return Task.FromResult<Response>(new SimulatedResponse(new(204)));
    }

    public override Task<Response<TableItem>> CreateIfNotExistsAsync(CancellationToken cancellationToken = default)
    {
        _isDeleted = false;
        return Task.FromResult(Response.FromValue(new TableItem(name), new SimulatedResponse(new(204))));
    }

    public override Task<Response> AddEntityAsync<T>(T entity, CancellationToken cancellationToken = default)
        => WriteAsync(entity.PartitionKey, new Change(ChangeKind.Add, entity.RowKey, default, Columns(entity)));

    public override Task<Response> UpdateEntityAsync<T>(
        T entity, ETag ifMatch, TableUpdateMode mode = TableUpdateMode.Merge, CancellationToken cancellationToken = default)
        => WriteAsync(entity.PartitionKey, new Change(Merge(mode), entity.RowKey, ifMatch, Columns(entity)));

    public override Task<Response> UpsertEntityAsync<T>(
        T entity, TableUpdateMode mode = TableUpdateMode.Merge, CancellationToken cancellationToken = default)
        => WriteAsync(
            entity.PartitionKey,
            new Change(mode == TableUpdateMode.Replace ? ChangeKind.Put : ChangeKind.AddOrMerge, entity.RowKey, ETag.All, Columns(entity)));

    public override async Task<Response> DeleteEntityAsync(
        string partitionKey, string rowKey, ETag ifMatch = default, CancellationToken cancellationToken = default)
    {
        // The real client sends any ETag if none is given, and accepts a missing row as success.
        var answer = await SendAsync(new(name, partitionKey, null, [new(ChangeKind.Delete, rowKey, ifMatch == default ? ETag.All : ifMatch)]));
        return answer.Succeeded || answer.Status == 404 ? new SimulatedResponse(answer) : throw Failure(answer);
    }

    public override async Task<NullableResponse<T>> GetEntityIfExistsAsync<T>(
        string partitionKey, string rowKey, IEnumerable<string>? select = null, CancellationToken cancellationToken = default)
    {
        var answer = await SendAsync(new(name, partitionKey, rowKey, []));
        return answer.Status switch
        {
            200 => Response.FromValue((T)(object)answer.Rows[0].ToEntity(), new SimulatedResponse(answer)),
            404 => new NoRow<T>(new SimulatedResponse(answer)),
            _ => throw Failure(answer),
        };
    }

    public override async Task<Response<T>> GetEntityAsync<T>(
        string partitionKey, string rowKey, IEnumerable<string>? select = null, CancellationToken cancellationToken = default)
    {
        var row = await GetEntityIfExistsAsync<T>(partitionKey, rowKey, select, cancellationToken);
        return Response.FromValue(row.Value!, row.GetRawResponse());
    }

    public override AsyncPageable<T> QueryAsync<T>(
        string? filter = null, int? maxPerPage = null, IEnumerable<string>? select = null, CancellationToken cancellationToken = default)
    {
        var one = PartitionFilter().Match(filter ?? "");
        var first = one.Groups["row"] is { Success: true } row ? SimulatedRow.PositionOf(one.Groups["key"].Value, row.Value) : null;
        var call = one.Success ? new TableCall(name, one.Groups["key"].Value, null, [])
            : RangeFilter().Match(filter ?? "") is { Success: true } range ? RangeQuery(range)
            : filter is null || ExpiryFilter().IsMatch(filter) ? new TableCall(name, "", null, []) { Before = "\uFFFF" }
            : throw new NotSupportedException($"The filter {filter}.");
        var latestEnd = ExpiryFilter().Match(filter ?? "") is { Success: true } expired
            ? DateTimeOffset.Parse(expired.Groups["end"].Value, CultureInfo.InvariantCulture)
            : (DateTimeOffset?)null;
        return new RowQuery<T>(
            from => SendAsync(call with { Page = new(from ?? first, Math.Min(pageSize, maxPerPage ?? pageSize)) }),
            select,
            latestEnd,
            row => one.Groups["last"] is not { Success: true } last
                || string.CompareOrdinal(row.RowKey, last.Value) < (one.Groups["end"].Value == "le" ? 1 : 0));
    }

    private TableCall RangeQuery(Match range)
        => new(name, range.Groups["after"].Value, range.Groups["row"] is { Success: true } row ? row.Value : null, [])
        {
            Before = range.Groups["before"].Value,
            Conditions = [.. range.Groups["condition"].Captures.Select(condition => Condition(condition.Value))],
        };

    /// <summary>Parses a condition on a column, for example <c>Tag ge 'a'</c>.</summary>
    private static Condition Condition(string text)
    {
        var (column, comparison, value) = text.Split(' ', 3) is [var first, var second, var third] ? (first, second, third) : throw new NotSupportedException(text);
        var quoted = value[(value.IndexOf('\'') + 1)..^1].Replace("''", "'", StringComparison.Ordinal);
        return new(
            column,
            comparison,
            value.StartsWith("datetime", StringComparison.Ordinal) ? DateTimeOffset.Parse(quoted, CultureInfo.InvariantCulture) : quoted);
    }

    public override async Task<Response<IReadOnlyList<Response>>> SubmitTransactionAsync(
        IEnumerable<TableTransactionAction> transactionActions, CancellationToken cancellationToken = default)
    {
        var actions = transactionActions.ToArray();
        var partitionKey = actions.Select(action => action.Entity.PartitionKey).Distinct().Single();
        if (actions.Length > 100 || actions.DistinctBy(action => action.Entity.RowKey).Count() < actions.Length)
            throw new NotSupportedException("A transaction has at most 100 actions, each of another row.");

        var answer = await SendAsync(new(name, partitionKey, null, [.. actions.Select(ToChange)]));
        if (!answer.Succeeded)
            throw answer.Status == 0 ? Failure(answer) : new TableTransactionFailedException(Failure(answer));

        return Response.FromValue<IReadOnlyList<Response>>(
            [.. actions.Select(_ => new SimulatedResponse(answer))], new SimulatedResponse(new(202)));
    }

    private static Change ToChange(TableTransactionAction action) => action.ActionType switch
    {
        TableTransactionActionType.Add => new(ChangeKind.Add, action.Entity.RowKey, default, Columns(action.Entity)),
        TableTransactionActionType.UpdateMerge => new(ChangeKind.Merge, action.Entity.RowKey, action.ETag, Columns(action.Entity)),
        TableTransactionActionType.Delete => new(ChangeKind.Delete, action.Entity.RowKey, action.ETag),
        _ => throw new NotSupportedException($"The action {action.ActionType}."),
    };

    private static ChangeKind Merge(TableUpdateMode mode)
        => mode == TableUpdateMode.Merge ? ChangeKind.Merge : throw new NotSupportedException("Replacing a row.");

    /// <summary>A copy, so that later changes to the caller's row do not affect the table.</summary>
    private static TableEntity Columns(ITableEntity entity) => new((TableEntity)entity);

    private static RequestFailedException Failure(TableAnswer answer) => answer.Status == 0
        ? new RequestFailedException("The connection was reset.")
        : new RequestFailedException(answer.Status, $"{answer.FailedChange}: {answer.Error}", answer.Error, null)
        {
            Data = { ["FailedEntity"] = answer.FailedChange.ToString(CultureInfo.InvariantCulture) },
        };

    private Task<TableAnswer> SendAsync(TableCall call)
        => _isDeleted ? Task.FromResult(new TableAnswer(404, "TableNotFound")) : send(call);

    private async Task<Response> WriteAsync(string partitionKey, Change change)
    {
        var answer = await SendAsync(new(name, partitionKey, null, [change]));
        return answer.Succeeded ? new SimulatedResponse(answer) : throw Failure(answer);
    }

    [GeneratedRegex("^PartitionKey eq '(?<key>[^']*)'( and RowKey ge '(?<row>[^']*)')?( and RowKey (?<end>le|lt) '(?<last>[^']*)')?$", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex PartitionFilter();

    [GeneratedRegex("^PartitionKey gt '(?<after>[^']*)' and PartitionKey lt '(?<before>[^']*)'( and RowKey eq '(?<row>[^']*)'( and (?<condition>\\w+ (gt|ge|lt|le|eq) (datetime)?'([^']|'')*'))+)?$", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex RangeFilter();

    [GeneratedRegex("^Expires le datetime'(?<end>[^']*)'$", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex ExpiryFilter();

    /// <summary>
    /// A query for rows with the selected columns, or all columns. It includes rows that end at <paramref name="latestEnd"/> or earlier, if
    /// it is given, up to the first row that is not <paramref name="isIn"/>.
    /// </summary>
    private sealed class RowQuery<T>(Func<string?, Task<TableAnswer>> send, IEnumerable<string>? select, DateTimeOffset? latestEnd, Func<SimulatedRow, bool> isIn) : AsyncPageable<T>
        where T : notnull
    {
        public override async IAsyncEnumerable<Page<T>> AsPages(string? continuationToken = null, int? pageSizeHint = null)
        {
            do
            {
                var answer = await send(continuationToken);
                if (!answer.Succeeded)
                    throw Failure(answer);

                continuationToken = answer.Rows.All(isIn) ? answer.Next : null;
                yield return Page<T>.FromValues(
                    [.. answer.Rows.Where(isIn).Where(row => latestEnd is null || (DateTimeOffset?)row["Expires"] <= latestEnd).Select(row => (T)(object)row.ToEntity(select))], continuationToken, new SimulatedResponse(answer));
            }
            while (continuationToken is not null);
        }
    }

    private sealed class NoRow<T>(Response response) : NullableResponse<T>
    {
        public override bool HasValue => false;

        public override T Value => throw new InvalidOperationException("There is no such row.");

        public override Response GetRawResponse() => response;
    }

    private sealed class SimulatedResponse(TableAnswer answer) : Response
    {
        public override int Status => answer.Status;

        public override string ReasonPhrase => answer.Error ?? "";

        public override Stream? ContentStream { get; set; }

        public override string ClientRequestId { get; set; } = "";

        public override void Dispose()
        {
        }

        protected override bool ContainsHeader(string name) => TryGetHeader(name, out _);

        protected override IEnumerable<HttpHeader> EnumerateHeaders() => [];

        protected override bool TryGetHeader(string name, [NotNullWhen(true)] out string? value)
        {
            value = name switch
            {
                "ETag" when answer.ETag != default => answer.ETag.ToString("H"),
                "x-ms-error-code" => answer.Error,
                _ => null,
            };
            return value is not null;
        }

        protected override bool TryGetHeaderValues(string name, [NotNullWhen(true)] out IEnumerable<string>? values)
        {
            values = TryGetHeader(name, out var value) ? [value] : null;
            return values is not null;
        }
    }
}
