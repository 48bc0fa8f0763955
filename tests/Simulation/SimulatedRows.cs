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

    /// <summary>Only compares the ETag: what a broken protocol might do instead of a merge.</summary>
    Compare,
}

/// <summary>What a write does to one row.</summary>
internal sealed record Change(ChangeKind Kind, string RowKey, ETag IfMatch, TableEntity? Columns = null);

/// <summary>The rows of a query from one on, so many at most.</summary>
internal sealed record QueryPage(string? From, int Size);

/// <summary>What a column has to be, as in <c>Tag ge 'a'</c>.</summary>
internal sealed record Condition(string Column, string Comparison, object Value)
{
    public bool Holds(SimulatedRow row)
    {
        // A row without the column is not found, whatever is asked for.
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
/// One call to a table: changes of a partition that happen all or not at all, a row to read, a partition to query, or all
/// partitions between <paramref name="PartitionKey"/> and <see cref="Before"/>.
/// </summary>
internal sealed record TableCall(string Table, string PartitionKey, string? RowKey, ImmutableArray<Change> Changes)
{
    public QueryPage? Page { get; init; }

    /// <summary>The key that ends a query of several partitions, which lie between the two.</summary>
    public string? Before { get; init; }

    /// <summary>Which of the rows of several partitions are asked for.</summary>
    public ImmutableArray<Condition> Conditions { get; init; } = [];

    public bool IsWrite => !Changes.IsEmpty;

    public (string Table, string PartitionKey) Partition => (Table, PartitionKey);
}

/// <summary>
/// What a table answers: rows and the position of the next page's first, the ETag of what was written, or an error with the index of
/// the change at fault.
/// </summary>
internal sealed record TableAnswer(
    int Status, string? Error = null, int FailedChange = 0, ETag ETag = default, ImmutableArray<SimulatedRow> Rows = default, string? Next = null)
{
    /// <summary>No answer: the connection broke.</summary>
    public static TableAnswer Lost { get; } = new(0);

    public bool Succeeded => Status is >= 200 and < 300;

    public ulong Fingerprint => (Rows.IsDefault ? [] : Rows).Aggregate(
        Simulation.Fingerprint.Of((ulong)Status, Simulation.Fingerprint.Of(ETag.ToString(), Next ?? "")),
        (all, row) => Simulation.Fingerprint.Of(all, row.Fingerprint));
}

/// <summary>A stored row. It never changes: a write puts another one in its place.</summary>
internal sealed class SimulatedRow
{
    // Nothing ever changes an event, so who wrote it makes no difference to anybody.
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

    /// <summary>Sorts the rows of a table: by the key of the partition, and in a partition by that of the row.</summary>
    public string Position => PositionOf(PartitionKey, RowKey);

    public ETag ETag { get; }

    public ulong Fingerprint { get; }

    /// <summary>Of a row of a member, read once.</summary>
    public string Subscriptions => field ??= Ids.Text((byte[])this["Subscriptions"]!);

    /// <summary>The participants that a header lists, read once.</summary>
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

    /// <summary>The keys, the ETag, and the selected columns or all.</summary>
    public TableEntity ToEntity(IEnumerable<string>? select = null)
    {
        var entity = new TableEntity(PartitionKey, RowKey) { ETag = ETag };
        foreach (var (name, value) in _columns.Where(column => select?.Contains(column.Key) != false))
            entity[name] = Copy(value);
        return entity;
    }

    // What requests write and never decide by has no part in it: otherwise each history would be a state of its own.
    private static ulong FingerprintOf(string name, object value) => name is Storage.Columns.After or Storage.Columns.Data
        ? 0
        : Simulation.Fingerprint.Of(Simulation.Fingerprint.Of(name), Simulation.Fingerprint.Of(value));

    private static object Copy(object value) => value is byte[] bytes ? bytes.ToArray() : value;
}

/// <summary>The rows of all tables, and what Table Storage does with them.</summary>
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

    /// <summary>Does what the call asks; the rows that it writes get <paramref name="etag"/>.</summary>
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

    /// <summary>The rows of the partitions whose keys lie between two, in their order.</summary>
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
