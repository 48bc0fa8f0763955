using System.Globalization;
using Azure;
using Sessions.Storage;

namespace Sessions.Tests.Simulation;

internal enum Fault
{
    None,

    /// <summary>The call is made, and the request goes no further.</summary>
    Crash,

    /// <summary>The write is made, and its answer is lost.</summary>
    AnswerLost,

    /// <summary>The connection breaks before the write is made.</summary>
    CallLost,
}

/// <summary>The next step: which waiting call of which request is made, and what goes wrong with it.</summary>
internal readonly record struct Step(int Request, int Call, Fault Fault);

/// <summary>Tables, requests on their way, and a check after each step.</summary>
internal sealed class World
{
    // What one request of the product may wait for others, at least (RetryBudget).
    private const int PatienceOfARequest = 40;

    private readonly StartState _start;
    private readonly Func<Request, TableCall, TableCall> _mutation;
    private readonly Model _model;
    private readonly SimulatedRows _rows;
    private readonly StateReader _reader;
    private readonly List<Request> _requests = [];
    private readonly List<Witness> _witnesses = [];
    private int _sent;

    public World(StartState start, Func<Request, TableCall, TableCall>? mutation = null)
    {
        _start = start;
        _mutation = mutation ?? ((_, call) => call);
        _model = new(start.Options.ParticipantsPerSession);
        _rows = start.Rows;
        _reader = new(_rows, start.State, start.Options.ParticipantsPerSession);
    }

    public State State => _reader.State;

    public IReadOnlyList<Request> Requests => _requests;

    /// <summary>Where each step is told, when somebody wants to read it.</summary>
    public Action<string>? Log { get; set; }

    public ulong RowsFingerprint => _rows.Fingerprint;

    /// <summary>Stands for everything that can still matter: the rows, what each request knows, and what is right for it to answer.</summary>
    public ulong Fingerprint()
    {
        var all = _rows.Fingerprint;
        foreach (var (index, request) in _requests.Index())
        {
            all = Simulation.Fingerprint.Of(all, request switch
            {
                { IsUnsettled: true } => 1,
                { HasEnded: true } => 2,
                { HasBegun: false } => 3,
                _ => Simulation.Fingerprint.Of(request.History, _witnesses[index].Fingerprint),
            });
        }

        return all;
    }

    public Request Send(Operation operation)
    {
        var request = new Request(++_sent, operation, _start.Options);
        _requests.Add(request);
        _witnesses.Add(new(request, _model));
        return request;
    }

    /// <summary>Forgets the request at the index, which has ended.</summary>
    public void Forget(int index)
    {
        _requests.RemoveAt(index);
        _witnesses.RemoveAt(index);
    }

    /// <summary>Makes a write that is no request's.</summary>
    public void Write(TableCall call)
    {
        if (!_rows.Execute(call, new(string.Create(CultureInfo.InvariantCulture, $"{++_sent}.0"))).Succeeded)
            throw new InvalidOperationException("The world cannot be changed so.");
        _reader.Read(call.Partition);
    }

    /// <summary>Whether the call is refused, and for the same reason, whenever it is made: no row gets an ETag back that it had.</summary>
    public bool IsDoomed(PendingCall pending, Request request)
    {
        var call = _mutation(request, pending.Call);
        var deletion = call.Table == "sessions" ? OperationKind.DeleteSession : OperationKind.DeleteParticipant;
        return call.Changes is [{ Kind: not ChangeKind.Add } first, ..]
            && first.IfMatch != ETag.All
            && _rows.Partition(call.Partition).TryGetValue(first.RowKey, out var row)
            && row.ETag != first.IfMatch
            && !_requests.Any(other => other != request && !other.HasEnded && other.Operation.Kind == deletion);
    }

    /// <exception cref="ViolationException">Something is wrong after this step.</exception>
    public void Take(Step step)
    {
        var (request, witness) = (_requests[step.Request], _witnesses[step.Request]);
        var pending = request.Pending[step.Call];
        var before = State;
        if (!request.HasBegun)
            witness.See(before);

        var call = _mutation(request, pending.Call);
        var answer = step.Fault == Fault.CallLost ? TableAnswer.Lost : _rows.Execute(call, request.NextETag(pending));
        Log?.Invoke(Describe(request, call, answer, step.Fault));
        if (pending.Call.IsWrite && answer.Succeeded)
            ReadAfterWrite(request, witness, pending.Call, before);

        if (step.Fault is Fault.AnswerLost or Fault.CallLost)
        {
            witness.LoseAnswer(pending.Call);
            witness.See(State);
        }

        if (step.Fault == Fault.Crash)
            request.Crash();
        else
            request.Take(pending, step.Fault == Fault.AnswerLost ? TableAnswer.Lost : answer);
        if (request.HasEnded)
            CheckEnd(request, witness);
    }

    /// <summary>Makes a request with nothing else in its way.</summary>
    public string? Run(Operation operation)
    {
        var request = Send(operation);
        while (!request.HasEnded)
            Take(new(_requests.Count - 1, 0, Fault.None));

        Forget(_requests.Count - 1);
        return request.Answer;
    }

    /// <summary>Repeats what got no answer, which must then be settled, and reads everything.</summary>
    public void Finish()
    {
        foreach (var request in _requests.Where(request => request.IsUnsettled).ToArray())
        {
            if (Run(request.Operation) is null)
                throw new ViolationException($"{request.Operation}, repeated, was not settled.");
        }

        foreach (var (table, partitionKey) in _start.Partitions)
        {
            var id = Ids.Of(partitionKey.AsSpan(Request.AccountPrefix));
            Run(table == "sessions" ? new(OperationKind.List, Session: id) : new(OperationKind.GetParticipant, id));
        }
    }

    private static string Describe(Request request, TableCall call, TableAnswer answer, Fault fault)
    {
        var name = $"{(call.Table == "sessions" ? "S" : "P")}{Ids.Of(call.PartitionKey.AsSpan(Request.AccountPrefix))}";
        var what = (call.IsWrite, call.RowKey) switch
        {
            (false, null) => $"query {name}",
            (false, _) => $"read {name} {ShortKey(call.RowKey!)}",
            _ => string.Join(" and ", call.Changes.Select(change => Describe(name, change))),
        };
        var rows = answer.Rows.IsDefault ? "" : string.Join("; ", answer.Rows.Select(row => $"{ShortKey(row.RowKey)} {Claim(row["SessionId"])}{row.ETag}"));
        var ending = fault switch
        {
            Fault.Crash => ", and the request crashes",
            Fault.AnswerLost => ", and the answer is lost",
            Fault.CallLost => ", and the call is lost",
            _ => "",
        };
        return $"{request.Number} {request.Operation}: {what} -> {(rows.Length > 0 ? rows : answer.Succeeded ? answer.ETag.ToString() : answer.Error)}{ending}";
    }

    private static string Describe(string name, Change change)
        => $"{change.Kind.ToString().ToLowerInvariant()} {name} {ShortKey(change.RowKey)}"
            + (change.Columns?.TryGetValue("SessionId", out var claim) == true ? $" {Claim(claim)}".TrimEnd() : "")
            + (change.IfMatch == default || change.IfMatch == ETag.All ? "" : $" if {change.IfMatch}");

    private static string Claim(object? session) => session switch
    {
        null => "",
        "" => "without claim ",
        var id => $"claiming S{Ids.Of((string)id)} ",
    };

    private static string ShortKey(string rowKey)
        => Keys.IsMember(rowKey) ? $"member P{Ids.Of(rowKey.AsSpan("member:".Length))}" : rowKey == Keys.Header ? "header" : "row";

    private void ReadAfterWrite(Request request, Witness witness, TableCall call, State before)
    {
        _reader.Read(call.Partition);
        if (State.Equals(before))
            return;

        witness.Changed(before, State);
        for (var index = 0; index < _requests.Count; index++)
        {
            if (!_requests[index].HasEnded && (_requests[index].HasBegun || _requests[index] == request))
                _witnesses[index].See(State);
        }
    }

    private void CheckEnd(Request request, Witness witness)
    {
        if (!request.IsUnsettled)
            witness.Check(AnswerOf(request));
        else if (!request.HasCrashed && !witness.LostAnswer && request.Setbacks < PatienceOfARequest)
            throw new ViolationException($"{request.Operation} gave up without need.");

        Log?.Invoke($"{request.Number} {request.Operation}: {(request.HasCrashed ? "crashed" : request.Answer ?? "unavailable")}");
    }

    private static string AnswerOf(Request request)
    {
        try
        {
            return request.Answer!;
        }
        catch (Exception exception)
        {
            throw new ViolationException($"{request.Operation} failed: {exception}");
        }
    }
}
