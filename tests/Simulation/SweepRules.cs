using System.Collections.Immutable;
using Sessions.Storage;

namespace Sessions.Tests.Simulation;

/// <summary>The rows that a sweep may delete, and the rows that it must not leave.</summary>
internal static class SweepRules
{
    private const string LastPartition = "~";

    /// <summary>A row may be deleted if it expired long enough ago. An index row may be deleted if its rows are gone.</summary>
    /// <exception cref="ViolationException">The sweep's write violated a rule.</exception>
    public static void CheckDeletions(
        SimulatedRows rows, TableCall call, ImmutableSortedDictionary<string, SimulatedRow> before, DateTimeOffset now)
    {
        foreach (var change in call.Changes.Where(change => change.Kind == ChangeKind.Delete))
        {
            if (!Keys.IsIndex(call.PartitionKey))
            {
                if (EndOf(before[change.RowKey]) > now - Sweeper.Grace)
                    throw new ViolationException("A sweep deleted a row before its time.");
            }
            else if (rows.Partition((call.Table, change.RowKey)).Values.Any(row => IndexOf(rows, call.Table, row) == call.PartitionKey))
            {
                throw new ViolationException("A sweep deleted an index row, and the rows that it stands for are there.");
            }
        }
    }

    /// <summary>
    /// A sweep without interference leaves no rows of the hours that it covers, except for markers of partitions with events.
    /// </summary>
    /// <exception cref="ViolationException">A row is left.</exception>
    public static void CheckLeft(SimulatedRows rows, DateTimeOffset now)
    {
        string[] tables = ["sessions", "participants"];
        var end = Keys.IndexHour(now - Sweeper.Grace);
        foreach (var table in tables)
        {
            var left = rows.Between(table, "", LastPartition).FirstOrDefault(
                row => (Keys.IsIndex(row.PartitionKey) ? row.PartitionKey : IndexOf(rows, table, row)) is { } index
                    && string.CompareOrdinal(index, end) < 0);
            if (left is not null)
                throw new ViolationException($"A sweep left {left.PartitionKey} {left.RowKey}.");
        }
    }

    /// <summary>
    /// The index partition for a row, or null if there is none. A member row is deleted with its session or by a join, and a marker in a
    /// partition with events is deleted after the last event.
    /// </summary>
    private static string? IndexOf(SimulatedRows rows, string table, SimulatedRow row)
        => Keys.IsMember(row.RowKey) || (row.RowKey == Keys.IdempotencyMarker && rows.Partition((table, row.PartitionKey)).Keys.Any(Keys.IsEvent))
            ? null
            : Keys.Index(EndOf(row), row.PartitionKey);

    private static DateTimeOffset EndOf(SimulatedRow row) => (DateTimeOffset)row["Expires"]!;
}
