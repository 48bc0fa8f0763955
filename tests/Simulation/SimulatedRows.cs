using System.Collections.Immutable;
using Azure;
using Azure.Data.Tables;
using Sessions.Storage;

namespace Sessions.Tests.Simulation;

internal enum ChangeKind
{
    Add,
    Merge,
    Delete,

    /// <summary>Adds or replaces.</summary>
    Put,

    /// <summary>Adds or merges.</summary>
    AddOrMerge,

    /// <summary>Only compares the ETag, as a broken protocol might do instead of a merge.</summary>
    Compare,
}

/// <summary>The change of a write to one row.</summary>
internal sealed record Change(ChangeKind Kind, string RowKey, ETag IfMatch, TableEntity? Columns = null);

/// <summary>A page of a query, with its first row and its maximum number of rows.</summary>
internal sealed record QueryPage(string? From, int Size);

/// <summary>A condition on a column, for example <c>Tag ge 'a'</c>.</summary>
internal sealed record Condition(string Column, string Comparison, object Value)
{
    public bool Holds(SimulatedRow row)
    {
        // A row without the column never matches.
        if (row[Column] is null)
            return false;

        var compared = (row[Column], Value) switch
        {
            (string stored, string given) => string.CompareOrdinal(stored, given),
            (DateTimeOffset stored, DateTimeOffset given) => stored.CompareTo(given),
            _ => throw new NotSupportedException($"The condition {this}."),
        };
        return Comparison switch
        {
            "gt" => compared > 0,
            "ge" => compared >= 0,
            "lt" => compared < 0,
            "le" => compared <= 0,
            _ => compared == 0,
        };
    }
}

/// <summary>
/// One call to a table. It makes changes to a partition atomically, reads a row, queries a partition, or queries all partitions between
/// <paramref name="PartitionKey"/> and <see cref="Before"/>.
/// </summary>
internal sealed record TableCall(string Table, string PartitionKey, string? RowKey, ImmutableArray<Change> Changes)
{
    public QueryPage? Page { get; init; }

    /// <summary>The end of a query of several partitions, whose keys lie between the two.</summary>
    public string? Before { get; init; }

    /// <summary>The conditions on the rows of a query of several partitions.</summary>
    public ImmutableArray<Condition> Conditions { get; init; } = [];

    public bool IsWrite => !Changes.IsEmpty;

    public (string Table, string PartitionKey) Partition => (Table, PartitionKey);
}

/// <summary>
/// The response of a table. It contains rows and the position of the next page, or the ETag of the write, or an error with the index of the
/// failed change.
/// </summary>
internal sealed record TableAnswer(
    int Status, string? Error = null, int FailedChange = 0, ETag ETag = default, ImmutableArray<SimulatedRow> Rows = default, string? Next = null)
{
    /// <summary>No response, because the connection was lost.</summary>
    public static TableAnswer Lost { get; } = new(0);

    public bool Succeeded => Status is >= 200 and < 300;

    public ulong Fingerprint => (Rows.IsDefault ? [] : Rows).Aggregate(
        Simulation.Fingerprint.Of((ulong)Status, Simulation.Fingerprint.Of(ETag.ToString(), Next ?? "")),
        (all, row) => Simulation.Fingerprint.Of(all, row.Fingerprint));
}

/// <summary>A stored row. It is immutable, and a write replaces it.</summary>
internal sealed class SimulatedRow
{
    // No one ever changes an event, so its author does not matter.
    private static readonly ETag ETagOfEvent = new("event");

    private readonly ImmutableDictionary<string, object> _columns;
    private readonly ulong _columnsFingerprint;

    private SimulatedRow(string partitionKey, string rowKey, ETag etag, ImmutableDictionary<string, object> columns, ulong columnsFingerprint)
    {
        (PartitionKey, RowKey, ETag, _columns, _columnsFingerprint) = (partitionKey, rowKey, etag, columns, columnsFingerprint);
        Fingerprint = Simulation.Fingerprint.Of(Simulation.Fingerprint.Of(partitionKey, rowKey, etag.ToString()), columnsFingerprint);
    }

    public string PartitionKey { get; }

    public string RowKey { get; }

    /// <summary>The sort key of a row in its table, which orders by partition key and then by row key.</summary>
    public string Position => PositionOf(PartitionKey, RowKey);

    public ETag ETag { get; }

    public ulong Fingerprint { get; }

    /// <summary>The subscriptions of a member row, parsed once.</summary>
    public string Subscriptions => field ??= Ids.Text((byte[])this["Subscriptions"]!);

    /// <summary>The participants in a header, parsed once.</summary>
    public ImmutableHashSet<int> Members
        => field ??= [.. MemberSet.From((byte[])this["Members"]!).Entries.Select(entry => Ids.Of(entry.ParticipantId))];

    public object? this[string column] => _columns.GetValueOrDefault(column);

    public static string PositionOf(string partitionKey, string rowKey) => $"{partitionKey}\0{rowKey}";

    public static SimulatedRow From(string partitionKey, TableEntity row, ETag etag)
    {
        etag = Keys.IsEvent(row.RowKey) ? ETagOfEvent : etag;
        return new SimulatedRow(partitionKey, row.RowKey, etag, ImmutableDictionary<string, object>.Empty, 0).Merge(row, etag);
    }

    public SimulatedRow Merge(TableEntity row, ETag etag)
    {
        var columns = _columns.ToBuilder();
        var fingerprint = _columnsFingerprint;
        foreach (var (name, value) in row)
        {
            if (value is null || name is "PartitionKey" or "RowKey" or "Timestamp" or "odata.etag")
                continue;

            if (columns.TryGetValue(name, out var old))
                fingerprint ^= FingerprintOf(name, old);
            fingerprint ^= FingerprintOf(name, value);
            columns[name] = Copy(value);
        }

        return new(PartitionKey, RowKey, etag, columns.ToImmutable(), fingerprint);
    }

    /// <summary>The keys, the ETag, and the selected columns or all columns.</summary>
    public TableEntity ToEntity(IEnumerable<string>? select = null)
    {
        var entity = new TableEntity(PartitionKey, RowKey) { ETag = ETag };
        foreach (var (name, value) in _columns.Where(column => select?.Contains(column.Key) != false))
            entity[name] = Copy(value);
        return entity;
    }

    // Columns that requests write but never decide by are not part of the fingerprint. Otherwise each history would be a separate state.
    private static ulong FingerprintOf(string name, object value) => name is Storage.Columns.After or Storage.Columns.Data
        ? 0
        : Simulation.Fingerprint.Of(Simulation.Fingerprint.Of(name), Simulation.Fingerprint.Of(value));

    private static object Copy(object value) => value is byte[] bytes ? bytes.ToArray() : value;
}

/// <summary>The rows of all tables, with the behavior of Table Storage.</summary>
internal sealed class SimulatedRows
{
    private static readonly ImmutableSortedDictionary<string, SimulatedRow> Empty = ImmutableSortedDictionary.Create<string, SimulatedRow>(StringComparer.Ordinal);

    private ImmutableDictionary<(string Table, string PartitionKey), ImmutableSortedDictionary<string, SimulatedRow>> _partitions
        = ImmutableDictionary<(string Table, string PartitionKey), ImmutableSortedDictionary<string, SimulatedRow>>.Empty;

    public SimulatedRows()
    {
    }

    public SimulatedRows(SimulatedRows original) => (_partitions, Fingerprint) = (original._partitions, original.Fingerprint);

    public ulong Fingerprint { get; private set; }

    public ImmutableSortedDictionary<string, SimulatedRow> Partition((string Table, string PartitionKey) partition)
        => _partitions.GetValueOrDefault(partition, Empty);

    /// <summary>Executes the call. The rows that it writes get <paramref name="etag"/>.</summary>
    public TableAnswer Execute(TableCall call, ETag etag)
    {
        var before = Partition(call.Partition);
        if (!call.IsWrite)
        {
            if (call.Page is { } page)
                return Query(call.Before is { } end ? Between(call.Table, call.PartitionKey, end, call.RowKey).Where(row => call.Conditions.All(one => one.Holds(row))) : before.Values, page);
            return before.TryGetValue(call.RowKey!, out var found) ? new(200, Rows: [found]) : new(404, "ResourceNotFound");
        }

        var after = before;
        var fingerprint = Fingerprint;
        foreach (var (index, change) in call.Changes.Index())
        {
            var stored = after.GetValueOrDefault(change.RowKey);
            if (Refusal(change, stored) is { } refusal)
                return new(refusal.Status, refusal.Error, index);

            after = change.Kind switch
            {
                ChangeKind.Add => after.Add(change.RowKey, SimulatedRow.From(call.PartitionKey, change.Columns!, etag)),
                ChangeKind.Put => after.SetItem(change.RowKey, SimulatedRow.From(call.PartitionKey, change.Columns!, etag)),
                ChangeKind.AddOrMerge when stored is null => after.Add(change.RowKey, SimulatedRow.From(call.PartitionKey, change.Columns!, etag)),
                ChangeKind.Merge or ChangeKind.AddOrMerge => after.SetItem(change.RowKey, stored!.Merge(change.Columns!, etag)),
                ChangeKind.Delete => after.Remove(change.RowKey),
                _ => after,
            };
            fingerprint ^= Of(call.Table, stored) ^ Of(call.Table, after.GetValueOrDefault(change.RowKey));
        }

        _partitions = _partitions.SetItem(call.Partition, after);
        Fingerprint = fingerprint;
        return new(204, ETag: after.GetValueOrDefault(call.Changes[0].RowKey)?.ETag ?? default);
    }

    /// <summary>The rows of the partitions between two keys, in order.</summary>
    public IEnumerable<SimulatedRow> Between(string table, string after, string before, string? rowKey = null) => _partitions
        .Where(partition => partition.Key.Table == table
            && string.CompareOrdinal(partition.Key.PartitionKey, after) > 0
            && string.CompareOrdinal(partition.Key.PartitionKey, before) < 0)
        .OrderBy(partition => partition.Key.PartitionKey, StringComparer.Ordinal)
        .SelectMany(partition => partition.Value.Values)
        .Where(row => rowKey is null || row.RowKey == rowKey);

    private static TableAnswer Query(IEnumerable<SimulatedRow> all, QueryPage page)
    {
        var rows = all.Where(row => page.From is null || string.CompareOrdinal(row.Position, page.From) >= 0).ToList();
        return new(200, Rows: [.. rows.Take(page.Size)], Next: rows.Count > page.Size ? rows[page.Size].Position : null);
    }

    private static (int Status, string Error)? Refusal(Change change, SimulatedRow? stored) => stored switch
    {
        not null when change.Kind == ChangeKind.Add => (409, "EntityAlreadyExists"),
        null when change.Kind is not (ChangeKind.Add or ChangeKind.Put or ChangeKind.AddOrMerge) => (404, "ResourceNotFound"),
        not null when change.IfMatch != ETag.All && change.IfMatch != stored.ETag => (412, "UpdateConditionNotSatisfied"),
        _ => null,
    };

    private static ulong Of(string table, SimulatedRow? row)
        => row is null ? 0 : Simulation.Fingerprint.Of(Simulation.Fingerprint.Of(table), row.Fingerprint);
}
