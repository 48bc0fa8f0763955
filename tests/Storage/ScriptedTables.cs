using Azure;
using Azure.Data.Tables;
using Sessions.Storage;
using Sessions.Tests.Simulation;

namespace Sessions.Tests;

/// <summary>Simulated tables on which a test decides the result of chosen writes. All other calls behave as in Table Storage.</summary>
internal sealed class ScriptedTables
{
    /// <summary>Stands for the row key of any row of the expiry index, whose key is not known in advance.</summary>
    public const string AnyIndexRow = "index";

    public static readonly TableAnswer Busy = new(503, "ServerBusy");
    public static readonly TableAnswer Stale = new(412, "UpdateConditionNotSatisfied");

    private readonly SimulatedRows _rows = new();
    private readonly List<TableCall> _writes = [];
    private readonly Dictionary<string, Queue<Func<TableCall, Task<TableAnswer>>>> _answers = [];
    private int _etags;

    public ScriptedTables() => Tables = new(Table);

    public Tables Tables { get; }

    /// <summary>All writes so far.</summary>
    public IReadOnlyList<TableCall> Writes => _writes;

    /// <summary>The writes so far whose first change is of a row with this key.</summary>
    public IReadOnlyList<TableCall> WritesTo(string rowKey) => [.. _writes.Where(write => write.Changes[0].RowKey == rowKey)];

    /// <summary>Uses these responses, one after the other, for the next writes whose first change is to a row with this key.</summary>
    public void Answer(string rowKey, params IEnumerable<Func<TableCall, Task<TableAnswer>>> answers) => _answers[rowKey] = new(answers);

    public void Answer(string rowKey, params IEnumerable<Func<TableCall, TableAnswer>> answers)
        => Answer(rowKey, answers.Select<Func<TableCall, TableAnswer>, Func<TableCall, Task<TableAnswer>>>(answer => call => Task.FromResult(answer(call))));

    /// <summary>Executes the call as Table Storage does.</summary>
    public TableAnswer Do(TableCall call) => _rows.Execute(call, new($"{++_etags}"));

    /// <summary>Executes the call, but returns another response.</summary>
    public Func<TableCall, TableAnswer> DoneBut(TableAnswer answer) => call =>
    {
        Assert.True(Do(call).Succeeded);
        return answer;
    };

    /// <summary>Another request has made the same change just before.</summary>
    public TableAnswer DoneByAnother(TableCall call)
    {
        Assert.True(Do(call).Succeeded);
        return Do(call);
    }

    /// <summary>Another request has written the row of the first change just before.</summary>
    public TableAnswer Overtaken(TableCall call)
    {
        var first = call.Changes[0];
        var kind = first.Kind == ChangeKind.Add ? ChangeKind.Add : ChangeKind.Merge;
        var another = new TableEntity(call.PartitionKey, first.RowKey) { ["WriteId"] = "another" };
        Assert.True(Do(call with { Changes = [new(kind, first.RowKey, ETag.All, another)] }).Succeeded);
        return Do(call);
    }

    /// <summary>The ETag of the row of a write's first change.</summary>
    public ETag ETagOf(TableCall call) => _rows.Partition(call.Partition)[call.Changes[0].RowKey].ETag;

    private SimulatedTable Table(string name) => new(name, call =>
    {
        if (!call.IsWrite)
            return Task.FromResult(Do(call));

        _writes.Add(call);
        return _answers.TryGetValue(Keys.IsIndex(call.PartitionKey) ? AnyIndexRow : call.Changes[0].RowKey, out var answers) && answers.TryDequeue(out var answer)
            ? answer(call)
            : Task.FromResult(Do(call));
    });
}
