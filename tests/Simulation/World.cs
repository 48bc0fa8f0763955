using System.Collections.Immutable;
using System.Globalization;
using Azure;
using Sessions.Storage;

namespace Sessions.Tests.Simulation;

internal enum StepKind
{
    /// <summary>A call is executed, and its response arrives.</summary>
    Make,

    /// <summary>A write gets no response, and may still be applied later.</summary>
    Lose,

    /// <summary>The request crashes. If its call is a write, it may still be applied later.</summary>
    Crash,

    /// <summary>A late write is applied.</summary>
    Land,

    /// <summary>Time passes until a resource has expired.</summary>
    Pass,
}

/// <summary>The next step, for one of a request's waiting calls, or for one of the late writes.</summary>
internal readonly record struct Step(StepKind Kind, int Index, int Call = 0)
{
    public bool IsFault => Kind is StepKind.Lose or StepKind.Crash;
}

/// <summary>A write without a response, which storage may apply at any time or never.</summary>
internal sealed record LateWrite(int Request, TableCall Call, ETag ETag, ulong Fingerprint);

/// <summary>The settings that all states of one simulation share.</summary>
internal sealed class WorldSettings(StartState start, Mutation? mutation = null)
{
    public StartState Start => start;

    public Mutation Mutation { get; } = mutation ?? new();

    public Model Model { get; } = new(start.Options.ParticipantsPerSession);

    /// <summary>Begins a request.</summary>
    public Func<int, Operation, DateTimeOffset, Request> Begin { get; init; } = (number, operation, now) => new(number, operation, new(start.Options), now);
}

/// <summary>The simulated system, with tables, requests in progress, late writes, and a check after each step.</summary>
internal sealed class World
{
    // The minimum number of retries of a request of the product (RetryBudget).
    private const int PatienceOfARequest = 40;

    private readonly WorldSettings _settings;
    private readonly SimulatedRows _rows;
    private readonly List<Request> _requests;
    private readonly List<Witness> _witnesses;
    private readonly List<LateWrite> _late;
    private DateTimeOffset _now = StartState.Now;
    private int _sent;

    public World(WorldSettings settings)
    {
        (_settings, _rows, State) = (settings, settings.Start.Rows, settings.Start.State);
        (_requests, _witnesses, _late) = ([], [], []);
    }

    /// <summary>Another world in the same state.</summary>
    public World(World original)
    {
        (_settings, _rows, State) = (original._settings, new(original._rows), original.State);
        (_now, _sent) = (original._now, original._sent);
        _requests = [.. original._requests];
        _witnesses = [.. original._witnesses.Select(witness => new Witness(witness))];
        _late = [.. original._late];
    }

    public State State { get; private set; }

    public IReadOnlyList<Request> Requests => _requests;

    public IReadOnlyList<LateWrite> LateWrites => _late;

    /// <summary>Whether a resource can still expire.</summary>
    public bool CanPass => _settings.Start.Ending is not null && _now < StartState.End;

    /// <summary>Receives a line for each step, or null.</summary>
    public Action<string>? Log { get; set; }

    /// <summary>
    /// A fingerprint of everything that can still matter, which is the rows, the knowledge of each request, and its correct responses.
    /// </summary>
    public ulong Fingerprint()
    {
        var all = _rows.Fingerprint + (ulong)_now.UtcTicks;
        foreach (var (index, request) in _requests.Index())
        {
            all = Simulation.Fingerprint.Of(all, request switch
            {
                { HasEnded: true } => Simulation.Fingerprint.Of(
                    request.IsUnsettled ? 1UL : 2, _late.Exists(late => late.Request == request.Number) ? _witnesses[index].Fingerprint : 0),
                { HasBegun: false } => 3,
                _ => Simulation.Fingerprint.Of(request.History, _witnesses[index].Fingerprint),
            });
        }

        return _late.Aggregate(all, (sum, late) => sum + late.Fingerprint);
    }

    public Request Send(Operation operation)
    {
        var request = _settings.Begin(++_sent, operation, _now);
        _requests.Add(request);
        _witnesses.Add(new(operation, _settings.Model));
        return request;
    }

    /// <summary>Removes the request at the index, which has ended.</summary>
    public void Forget(int index)
    {
        _requests.RemoveAt(index);
        _witnesses.RemoveAt(index);
    }

    /// <summary>Discards the late write at the index, which storage then never applies.</summary>
    public void Drop(int index) => _late.RemoveAt(index);

    /// <summary>Executes a write that belongs to no request.</summary>
    public void Write(TableCall call)
    {
        var number = ++_sent;
        if (!_rows.Execute(new WriteIds(number).Name(call), new(string.Create(CultureInfo.InvariantCulture, $"{number}.0"))).Succeeded)
            throw new InvalidOperationException("The world cannot be changed so.");
        Read(call.Partition);
    }

    /// <summary>Whether the call is refused for the same reason whenever it is made, because no row gets an earlier ETag again.</summary>
    public bool IsDoomed(PendingCall pending, Request request)
    {
        var call = _settings.Mutation.Call(request, pending.Call);
        var deletion = call.Table == "sessions" ? OperationKind.DeleteSession : OperationKind.DeleteParticipant;
        return call.Changes is [{ Kind: not ChangeKind.Add } first, ..]
            && first.IfMatch != ETag.All
            && _rows.Partition(call.Partition).TryGetValue(first.RowKey, out var row)
            && row.ETag != first.IfMatch
            && !_requests.Exists(other => other != request && !other.HasEnded && (other.Operation.Kind == deletion || other.Operation.Kind == OperationKind.Sweep))
            && !_late.Exists(late => late.Call.Partition == call.Partition);
    }

    /// <exception cref="ViolationException">A rule was violated by this step.</exception>
    public void Take(Step step)
    {
        if (step.Kind == StepKind.Land)
            Land(step.Index);
        else if (step.Kind == StepKind.Pass)
            Pass();
        else if (step.IsFault)
            GiveUp(step);
        else
            Make(step);
        _late.RemoveAll(late => CannotLand(late.Call));
    }

    /// <summary>Runs a request without interference.</summary>
    public string? Run(Operation operation)
    {
        Send(operation);
        while (!_requests[^1].HasEnded)
            Take(new(StepKind.Make, _requests.Count - 1));

        var answer = _requests[^1].Answer;
        Forget(_requests.Count - 1);
        return answer;
    }

    /// <summary>
    /// Repeats the requests that got no response, which must now succeed or fail definitely, and reads everything, before and after the
    /// late writes. A sweep must then leave no expired row, and neither must later sweeps after everything, and after the last event, has
    /// expired.
    /// </summary>
    public void Finish()
    {
        foreach (var request in _requests.Where(request => request.IsUnsettled).ToArray())
        {
            if (Run(request.Operation) is null)
                throw new ViolationException($"{request.Operation}, repeated, was not settled.");
        }

        ReadAll();
        while (_late.Count > 0)
        {
            Take(new(StepKind.Land, 0));
            ReadAll();
        }

        // A creation that ended between its two writes has no index row.
        var isIndexed = !_requests.Exists(
            request => request.IsUnsettled && request.Operation.Kind is OperationKind.CreateParticipant or OperationKind.CreateSession);
        foreach (var time in new[] { _now, StartState.EndOfAll, StartState.EndOfEvents })
        {
            MoveTo(time);
            Run(new(OperationKind.Sweep));
            if (isIndexed)
                SweepRules.CheckLeft(_rows, _now);
        }
    }

    private void ReadAll()
    {
        foreach (var (table, partitionKey) in _settings.Start.Partitions)
        {
            var id = Ids.Of(partitionKey.AsSpan(Request.AccountPrefix));
            Run(table == "sessions" ? new(OperationKind.List, Session: id) : new(OperationKind.GetParticipant, id));
        }
    }

    private void Make(Step step)
    {
        var (request, witness, pending, call) = Begin(step);
        var (before, rows) = (State, _rows.Partition(call.Partition));
        var answer = _rows.Execute(call, request.NextETag(pending));
        Log?.Invoke(Text.Of(request, call, answer));
        if (call.IsWrite && answer.Succeeded)
            ReadAfterWrite(request, witness, call, before, rows);
        GoOn(step.Index, request.After(pending, _settings.Mutation.Answer(request, call, answer), _now));
    }

    private void GiveUp(Step step)
    {
        var (request, witness, pending, call) = Begin(step);
        if (call.IsWrite)
        {
            var (etag, number) = (request.NextETag(pending), (ulong)request.Number);
            _late.Add(new(request.Number, call, etag, Simulation.Fingerprint.Of(Simulation.Fingerprint.Of(etag.ToString()), request.History + number)));
            witness.GiveUp(call);
            witness.See(State);
        }

        var crashes = step.Kind == StepKind.Crash;
        Log?.Invoke($"{Text.Of(request, call)}: {(crashes ? "the request crashes" : "there is no answer")}");
        GoOn(step.Index, crashes
            ? request.Crash()
            : request.After(pending, _settings.Mutation.Answer(request, call, TableAnswer.Lost), _now));
    }

    private void Land(int index)
    {
        var late = _late[index];
        _late.RemoveAt(index);
        var owner = _requests.FindIndex(request => request.Number == late.Request);
        var (before, rows) = (State, _rows.Partition(late.Call.Partition));
        var answer = _rows.Execute(late.Call, late.ETag);
        Log?.Invoke($"late, {Text.Of(_requests[owner], late.Call, answer)}");
        if (answer.Succeeded)
            ReadAfterWrite(_requests[owner], _witnesses[owner], late.Call, before, rows);
    }

    private void Pass()
    {
        var before = State;
        MoveTo(StartState.End);
        Log?.Invoke("time passes");
        for (var index = 0; index < _requests.Count; index++)
        {
            if (!_requests[index].HasBegun)
                _requests[index] = _settings.Begin(_requests[index].Number, _requests[index].Operation, _now);
            else if (!_requests[index].HasEnded)
                _witnesses[index].SeeEnd(before, State);
        }
    }

    private void MoveTo(DateTimeOffset time)
    {
        _now = time;
        foreach (var partition in _settings.Start.Partitions)
            Read(partition);
    }

    private (Request Request, Witness Witness, PendingCall Pending, TableCall Call) Begin(Step step)
    {
        var (request, witness) = (_requests[step.Index], _witnesses[step.Index]);
        var pending = request.Pending[step.Call];
        if (!request.HasBegun)
            witness.See(State);
        return (request, witness, pending, _settings.Mutation.Call(request, pending.Call));
    }

    private void GoOn(int index, Request request)
    {
        _requests[index] = request;
        if (request.HasEnded)
            CheckEnd(request, _witnesses[index]);
    }

    /// <summary>Whether the write is refused whenever it is made, because no row gets an earlier ETag again.</summary>
    private bool CannotLand(TableCall call)
        => call.Changes is [{ Kind: not ChangeKind.Add } first, ..]
            && first.IfMatch != ETag.All
            && _rows.Partition(call.Partition).GetValueOrDefault(first.RowKey)?.ETag != first.IfMatch;

    private void Read((string Table, string PartitionKey) partition)
        => State = StateReader.Read(_rows, partition, State, _now, _settings.Start.Options.ParticipantsPerSession);

    private void ReadAfterWrite(
        Request request, Witness witness, TableCall call, State before, ImmutableSortedDictionary<string, SimulatedRow> rowsBefore)
    {
        Read(call.Partition);
        OutboxRules.Check(call, rowsBefore, _rows.Partition(call.Partition));
        if (request.Operation.Kind == OperationKind.Sweep)
            CheckSweep(call, before, rowsBefore);
        else if (!State.Equals(before))
            witness.Changed(before, State);
        for (var index = 0; index < _requests.Count; index++)
        {
            if (!_requests[index].HasEnded && (_requests[index].HasBegun || _requests[index] == request))
                _witnesses[index].See(State);
        }
    }

    private void CheckSweep(TableCall call, State before, ImmutableSortedDictionary<string, SimulatedRow> rowsBefore)
    {
        SweepRules.CheckDeletions(_rows, call, rowsBefore, _now);

        // Deleting the marker makes the server forget the key.
        if (!State.Equals(before with { Keys = State.Keys }))
            throw new ViolationException("A sweep changed what callers can know.");
    }

    private void CheckEnd(Request request, Witness witness)
    {
        if (!request.IsUnsettled)
            witness.Check(request.Answer!);
        else if (!request.HasCrashed && !witness.GaveUpAWrite && request.Setbacks < PatienceOfARequest && !MayHaveExpired(request.Operation))
            throw new ViolationException($"{request.Operation} gave up without need.");

        Log?.Invoke($"{request.Number} {request.Operation}: {(request.HasCrashed ? "crashed" : request.Answer ?? "unavailable")}");
    }

    /// <summary>An update whose session or participant is gone cannot tell whether the membership was deleted or had expired.</summary>
    private bool MayHaveExpired(Operation operation)
        => operation.Kind == OperationKind.Update
            && !(_rows.Partition(StartState.Session(operation.Session)).ContainsKey(Keys.Header)
                && _rows.Partition(StartState.Participant(operation.Participant)).ContainsKey(Keys.Participant));
}
