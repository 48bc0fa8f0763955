namespace Sessions.Tests.Simulation;

/// <summary>The size of a random schedule.</summary>
internal sealed record RandomSize(int Participants, int Sessions, int ParticipantsPerSession)
{
    public static RandomSize Large { get; } = new(20, 6, 4);

    public static RandomSize Small { get; } = new(3, 2, 2);
}

/// <summary>Chooses requests, the next call, and the faults, all from one seed.</summary>
internal sealed class RandomSchedule
{
    private const int MaxInFlight = 6;
    private const int MaxLateWrites = 3;
    private const int StepsToTell = 300;
    private const int OperationsBetweenReadings = 500;

    private static readonly string[] Subscriptions = ["a", "b", Model.None];

    private readonly Random _random;
    private readonly World _world;
    private readonly int[] _participants;
    private readonly int[] _sessions;
    private readonly Queue<string> _lastSteps = [];
    private readonly List<Operation> _toRepeat = [];
    private readonly Dictionary<int, string?> _tags = [];

    private int _lastId;
    private long _operations;
    private long _steps;
    private long _crashes;
    private long _lost;
    private long _late;
    private long _unavailable;

    public RandomSchedule(int seed, RandomSize size, Mutation? mutation = null)
    {
        StartState start = new("by chance", size.ParticipantsPerSession, size.Participants, size.Sessions);
        _random = new(seed);
        _participants = [.. Enumerable.Range(1, size.Participants)];
        _sessions = [.. Enumerable.Range(1, size.Sessions)];
        _lastId = size.Participants + size.Sessions;
        _world = new(new WorldSettings(start, mutation) { Begin = (number, operation, now) => new(number, operation, new(start.Options, PageSizeOf(number)), now) })
        {
            Log = step =>
            {
                _lastSteps.Enqueue(step);
                if (_lastSteps.Count > StepsToTell)
                    _lastSteps.Dequeue();
            },
        };
    }

    public IEnumerable<string> LastSteps => _lastSteps;

    private int InFlight => _world.Requests.Count(request => !request.HasEnded);

    /// <exception cref="ViolationException">A rule was violated.</exception>
    public void Run(int operations)
    {
        while (_operations < operations)
        {
            Renew();
            while (InFlight < MaxInFlight && (InFlight == 0 || _random.Next(2) == 0))
                Send();

            TakeStep();
            if (_operations % OperationsBetweenReadings == 0)
                ReadAll();
        }

        ReadAll();
    }

    public override string ToString()
        => $"{_operations} operations, {_steps} steps, {_crashes} crashes, {_lost} lost calls, {_late} late writes, {_unavailable} unavailable";

    /// <summary>Replaces each deleted participant or session with a new one.</summary>
    private void Renew()
    {
        for (var index = 0; index < _participants.Length; index++)
        {
            if (!_world.State.Participants.Contains(_participants[index]) && _random.Next(20) == 0)
                _world.Write(StartState.NewParticipant(_participants[index] = ++_lastId));
        }

        for (var index = 0; index < _sessions.Length; index++)
        {
            if (!_world.State.Sessions.Contains(_sessions[index]) && _random.Next(20) == 0)
                _world.Write(StartState.NewSession(_sessions[index] = ++_lastId));
        }
    }

    private void Send()
    {
        _operations++;
        var repeat = _toRepeat.Count > 0 && _random.Next(2) == 0;
        _world.Send(repeat ? _toRepeat[^1] : WithCondition(Draw()));
        if (repeat)
            _toRepeat.RemoveAt(_toRepeat.Count - 1);
    }

    private Operation Draw()
    {
        // Half of the requests use a few participants, so that races are likely.
        var participant = _participants[_random.Next(_random.Next(2) == 0 ? 3 : _participants.Length)];
        var session = _sessions[_random.Next(_sessions.Length)];
        var subscriptions = Subscriptions[_random.Next(Subscriptions.Length)];
        return _random.Next(100) switch
        {
            < 30 => new(OperationKind.Join, participant, session, _random.Next(2) == 0 ? null : subscriptions),
            < 45 => new(OperationKind.Update, participant, session, subscriptions),
            < 70 => new(OperationKind.Leave, participant, SessionOf(participant, session)),
            < 76 => new(OperationKind.DeleteParticipant, participant),
            < 80 => new(OperationKind.DeleteSession, Session: session),
            < 90 => new(OperationKind.GetParticipant, participant),
            _ => new(OperationKind.List, Session: session),
        };
    }

    private int SessionOf(int participant, int otherwise)
        => _random.Next(10) > 0 && _world.State.Members.TryGetValue(participant, out var member) ? member.Session : otherwise;

    /// <summary>
    /// Adds a condition to one in five changes. It is any tag, the current tag, or an earlier tag, which may still be current.
    /// </summary>
    private Operation WithCondition(Operation operation)
    {
        if (operation.Kind is OperationKind.GetParticipant or OperationKind.List || _random.Next(5) > 0)
            return operation;

        var (ofSession, id) = (operation.Kind == OperationKind.DeleteSession, operation.Kind == OperationKind.DeleteSession ? operation.Session : operation.Participant);
        var before = _tags.GetValueOrDefault(id);
        var now = _tags[id] = ofSession ? _world.State.TagOfSession(id) : _world.State.TagOfParticipant(id);
        return operation with
        {
            IfMatch = _random.Next(4) switch
            {
                0 => Operation.AnyTag,
                1 => before,
                _ => now,
            },
        };
    }

    private void TakeStep()
    {
        _steps++;
        if (_world.LateWrites.Count > 0 && _random.Next(4) == 0)
            Land();
        else
            TakeCall();
        for (var index = _world.Requests.Count - 1; index >= 0; index--)
        {
            var request = _world.Requests[index];
            if (request.HasEnded && _world.LateWrites.All(late => late.Request != request.Number))
                _world.Forget(index);
        }
    }

    private void Land()
    {
        var late = _random.Next(_world.LateWrites.Count);
        if (_random.Next(4) == 0)
        {
            _world.Drop(late);
            return;
        }

        _late++;
        _world.Take(new(StepKind.Land, late));
    }

    private void TakeCall()
    {
        var index = _random.Next(_world.Requests.Count);
        while (_world.Requests[index].HasEnded)
            index = (index + 1) % _world.Requests.Count;
        var pending = _world.Requests[index].Pending;
        var call = _random.Next(pending.Count);
        var kind = _random.Next(100) switch
        {
            0 => StepKind.Crash,
            1 or 2 when pending[call].Call.IsWrite && _world.LateWrites.Count < MaxLateWrites => StepKind.Lose,
            _ => StepKind.Make,
        };
        _crashes += kind == StepKind.Crash ? 1 : 0;
        _lost += kind == StepKind.Lose ? 1 : 0;

        _world.Take(new(kind, index, call));
        if (_world.Requests[index] is { IsUnsettled: true } ended)
        {
            _unavailable += ended.HasCrashed ? 0 : 1;
            _toRepeat.Add(ended.Operation);
        }
    }

    private static int PageSizeOf(int number) => (number % 3) switch
    {
        0 => 1,
        1 => 2,
        _ => int.MaxValue,
    };

    /// <summary>While the requests wait, every read returns the state in the rows.</summary>
    private void ReadAll()
    {
        foreach (var participant in _participants)
            _world.Run(new(OperationKind.GetParticipant, participant));
        foreach (var session in _sessions)
            _world.Run(new(OperationKind.List, Session: session));
    }
}
