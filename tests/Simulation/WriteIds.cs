using System.Collections.Immutable;
using Azure.Data.Tables;

namespace Sessions.Tests.Simulation;

/// <summary>
/// Replaces the random ids in the rows that one run of a request writes by names that are the same in every run, and restores the ids of
/// the run in the rows that it reads.
/// </summary>
internal sealed class WriteIds(int request)
{
    private static readonly ImmutableArray<string> Columns = ["WriteId", "Version"];

    private readonly Dictionary<string, string> _names = [];
    private readonly Dictionary<string, string> _ids = [];

    /// <summary>Replaces the ids in the columns of the call, which has no other owner.</summary>
    public TableCall Name(TableCall call)
    {
        foreach (var change in call.Changes)
        {
            if (change.Columns is { } columns)
                Name(columns);
        }

        return call;
    }

    public TableAnswer Restore(TableAnswer answer)
        => answer.Rows.IsDefaultOrEmpty || _ids.Count == 0 ? answer : answer with { Rows = [.. answer.Rows.Select(Restore)] };

    private void Name(TableEntity row)
    {
        foreach (var column in Columns.Where(row.ContainsKey))
        {
            var id = row.GetString(column);
            if (!_names.TryGetValue(id, out var name))
            {
                _names[id] = name = $"{request}:{_names.Count + 1}";
                _ids[name] = id;
            }

            row[column] = name;
        }
    }

    private SimulatedRow Restore(SimulatedRow row)
    {
        TableEntity own = [];
        foreach (var column in Columns)
        {
            if (row[column] is string name && _ids.TryGetValue(name, out var id))
                own[column] = id;
        }

        return own.Count == 0 ? row : row.Merge(own, row.ETag);
    }
}
