namespace Sessions.Tests.Simulation;

/// <summary>Draws requests, which call comes next, and what goes wrong, all from one seed.</summary>
internal sealed class RandomSchedule
{
    private const int Participants = 20;
    private const int Sessions = 6;
    private const int ParticipantsPerSession = 4;
    private const int MaxInFlight = 6;
    private const int StepsToTell = 300;
    private const int OperationsBetweenReadings = 500;

    private static readonly string[] Subscriptions = ["a", "b", Model.None];

    private readonly Random _random;
    private readonly World _world;
    private readonly int[] _participants = [.. Enumerable.Range(1, Participants)];
    private readonly int[] _sessions = [.. Enumerable.Range(1, Sessions)];
    private readonly Queue<string> _lastSteps = [];
    private readonly List<Operation> _toRepeat = [];

    private int _lastId = Participants;
    private long _operations;
    private long _steps;
    private long _crashes;
    private long _lost;
    private long _unavailable;

    public RandomSchedule(int seed, Func<Request, TableCall, TableCall>? mutation = null)
    {
        _random = new(seed);
        _world = new(new("by chance", ParticipantsPerSession, Participants, Sessions), mutation)
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

    /// <exception cref="ViolationException">Something went wrong.</exception>
    public void Run(int operations)
    {
        while (_operations < operations)
        {
            Renew();
            while (_world.Requests.Count < MaxInFlight && (_world.Requests.Count == 0 || _random.Next(2) == 0))
                Send();

            TakeStep();
            if (_operations % OperationsBetweenReadings == 0)
                ReadAll();
        }

        ReadAll();
    }

    public override string ToString()
        => $"{_operations} operations, {_steps} steps, {_crashes} crashes, {_lost} lost calls and answers, {_unavailable} unavailable";

    /// <summary>Puts a new participant or session in the place of each that was deleted.</summary>
    private void Renew()
    {
        for (var index = 0; index < Participants; index++)
        {
            if (!_world.State.Participants.Contains(_participants[index]) && _random.Next(20) == 0)
                _world.Write(StartState.NewParticipant(_participants[index] = ++_lastId));
        }

        for (var index = 0; index < Sessions; index++)
        {
            if (!_world.State.Sessions.Contains(_sessions[index]) && _random.Next(20) == 0)
                _world.Write(StartState.NewSession(_sessions[index] = ++_lastId));
        }
    }

    private void Send()
    {
        _operations++;
        var repeat = _toRepeat.Count > 0 && _random.Next(2) == 0;
        _world.Send(repeat ? _toRepeat[^1] : Draw());
        if (repeat)
            _toRepeat.RemoveAt(_toRepeat.Count - 1);
    }

    private Operation Draw()
    {
        // Half of them meet at few participants, where the races are.
        var participant = _participants[_random.Next(_random.Next(2) == 0 ? 3 : Participants)];
        var session = _sessions[_random.Next(Sessions)];
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

    private void TakeStep()
    {
        var index = _random.Next(_world.Requests.Count);
        var request = _world.Requests[index];
        var call = _random.Next(request.Pending.Count);
        var fault = _random.Next(100) switch
        {
            0 => Fault.Crash,
            1 when request.Pending[call].Call.IsWrite => Fault.AnswerLost,
            2 when request.Pending[call].Call.IsWrite => Fault.CallLost,
            _ => Fault.None,
        };
        _steps++;
        _crashes += fault == Fault.Crash ? 1 : 0;
        _lost += fault is Fault.AnswerLost or Fault.CallLost ? 1 : 0;

        _world.Take(new(index, call, fault));
        if (!request.HasEnded)
            return;

        _unavailable += request.IsUnsettled && !request.HasCrashed ? 1 : 0;
        if (request.IsUnsettled)
            _toRepeat.Add(request.Operation);
        _world.Forget(index);
    }

    /// <summary>What every reader is told, while the requests wait, is what the rows say.</summary>
    private void ReadAll()
    {
        foreach (var participant in _participants)
            _world.Run(new(OperationKind.GetParticipant, participant));
        foreach (var session in _sessions)
            _world.Run(new(OperationKind.List, Session: session));
    }
}
