namespace Sessions.Tests.Simulation;

/// <summary>What happens at once, and from which state.</summary>
internal sealed record Scenario(StartState Start, IReadOnlyList<Operation> Operations, Func<Request, TableCall, TableCall>? Mutation = null)
{
    /// <summary>Whether one thing may go wrong in a schedule.</summary>
    public bool WithFaults { get; init; } = true;

    /// <summary>A request that has met more than these setbacks is followed no further: two joins can fence each other for ever.</summary>
    public int MaxSetbacks { get; init; } = 2;

    public override string ToString() => $"{Start.Name}: {string.Join(" | ", Operations)}";
}

/// <summary>How much was explored.</summary>
internal sealed class Counts
{
    public long Scenarios;
    public long Executions;
    public long States;
    public long Ends;
    public long Crashes;
    public long LostAnswers;
    public long Pruned;

    public override string ToString()
        => $"{Scenarios} scenarios, {States} states, {Executions} schedules followed, {Ends} ends, {Crashes} crash points, {LostAnswers} lost calls and answers, {Pruned} cut off";
}

/// <summary>
/// Follows every interleaving of a scenario's storage calls. Each schedule starts afresh; one that comes to a state in
/// which another has been is not followed further, because all that comes after is the same.
/// </summary>
internal sealed class Exploration(Scenario scenario, Counts counts)
{
    private readonly HashSet<ulong> _states = [];
    private readonly HashSet<ulong> _ends = [];
    private Schedule? _current;

    /// <exception cref="ViolationException">With the shortest schedule to a violation.</exception>
    public static void Run(Scenario scenario, Counts counts)
    {
        counts.Scenarios++;
        var exploration = new Exploration(scenario, counts);
        if (!exploration.Explore(deepFirst: true))
            return;

        // Breadth first, a shortest one is the first.
        new Exploration(scenario, new()).Explore(deepFirst: false);
    }

    private bool Explore(bool deepFirst)
    {
        var open = new LinkedList<Schedule?>([null]);
        while (open.Count > 0)
        {
            var schedule = deepFirst ? open.Last!.Value : open.First!.Value;
            if (deepFirst)
                open.RemoveLast();
            else
                open.RemoveFirst();

            try
            {
                Follow(schedule, open, deepFirst);
            }
            catch (ViolationException) when (deepFirst)
            {
                return true;
            }
            catch (ViolationException violation)
            {
                throw new ViolationException($"{violation.Message}\n{scenario}\n{Tell(_current)}");
            }
        }

        return false;
    }

    private void Follow(Schedule? schedule, LinkedList<Schedule?> open, bool toTheEnd)
    {
        counts.Executions++;
        _current = schedule;
        var world = Replay(schedule, null);
        while (true)
        {
            var hasFaulted = _current is { HasFault: true };
            if (!_states.Add(world.Fingerprint() + (hasFaulted ? 1UL : 0)))
                return;

            counts.States++;
            if (world.Requests.Any(request => request.Setbacks > scenario.MaxSetbacks))
            {
                counts.Pruned++;
                return;
            }

            var steps = Steps(world, scenario.WithFaults && !hasFaulted).ToList();
            counts.Crashes += steps.Count(step => step.Fault == Fault.Crash);
            counts.LostAnswers += steps.Count(step => step.Fault is Fault.AnswerLost or Fault.CallLost);
            if (steps.Count == 0)
            {
                counts.Ends++;
                if (_ends.Add(world.Fingerprint()))
                    world.Finish();
                return;
            }

            foreach (var step in toTheEnd ? steps.Skip(1) : steps)
                open.AddLast(new Schedule(_current, step));
            if (!toTheEnd)
                return;

            _current = new(_current, steps[0]);
            world.Take(steps[0]);
        }
    }

    private static IEnumerable<Step> Steps(World world, bool withFaults)
    {
        var calls = world.Requests.Index().SelectMany(request => request.Item.Pending.Index().Select(
            call => (Request: request.Index, Call: call.Index, Pending: call.Item, IsDoomed: world.IsDoomed(call.Item, request.Item)))).ToList();

        // A call that is refused whenever it is made is made at once: later it would show nothing else.
        if (calls.FindIndex(call => call.IsDoomed) is >= 0 and var doomed)
            calls = [calls[doomed]];

        foreach (var (request, call, pending, _) in calls)
        {
            yield return new(request, call, Fault.None);
            if (!withFaults)
                continue;

            yield return new(request, call, Fault.Crash);
            if (pending.Call.IsWrite)
            {
                yield return new(request, call, Fault.AnswerLost);
                yield return new(request, call, Fault.CallLost);
            }
        }
    }

    private World Replay(Schedule? schedule, Action<string>? log)
    {
        var world = new World(scenario.Start, scenario.Mutation) { Log = log };
        foreach (var operation in scenario.Operations)
            world.Send(operation);

        foreach (var step in schedule?.Steps() ?? new())
            world.Take(step);
        return world;
    }

    private string Tell(Schedule? schedule)
    {
        List<string> lines = [];
        try
        {
            Replay(schedule, lines.Add).Finish();
        }
        catch (ViolationException violation)
        {
            lines.Add(violation.Message);
        }

        return string.Join('\n', lines.Index().Select(line => $"{line.Index + 1,3}. {line.Item}"));
    }

    private sealed record Schedule(Schedule? Before, Step Last)
    {
        public bool HasFault { get; } = Last.Fault != Fault.None || Before is { HasFault: true };

        public Stack<Step> Steps()
        {
            Stack<Step> steps = [];
            for (var schedule = this; schedule is not null; schedule = schedule.Before)
                steps.Push(schedule.Last);
            return steps;
        }
    }
}
