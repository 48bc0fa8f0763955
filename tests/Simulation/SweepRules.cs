using System.Collections.Immutable;
using Sessions.Storage;

namespace Sessions.Tests.Simulation;

/// <summary>What a sweep may delete, and what it must not leave.</summary>
internal static class SweepRules
{
    private const string LastPartition = "~";

    /// <summary>A row goes when it ended long enough ago, and an index row when the rows that it stands for are gone.</summary>
    /// <exception cref="ViolationException">The sweep's write broke a rule.</exception>
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

    /// <summary>A sweep with nothing in its way leaves nothing of the hours that it was for, except for a marker beside events.</summary>
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
    /// The index partition for a row; null for a member's, which goes with its session or with a join, and for a marker beside events,
    /// which goes with the last of them.
    /// </summary>
    private static string? IndexOf(SimulatedRows rows, string table, SimulatedRow row)
        => Keys.IsMember(row.RowKey) || (row.RowKey == Keys.IdempotencyMarker && rows.Partition((table, row.PartitionKey)).Keys.Any(Keys.IsEvent))
            ? null
            : Keys.Index(EndOf(row), row.PartitionKey);

    private static DateTimeOffset EndOf(SimulatedRow row) => (DateTimeOffset)row["Expires"]!;
}
