namespace Sessions.Tests.Simulation;

/// <summary>
/// Explores every interleaving of a scenario's storage calls. A schedule that reaches a known state is not followed further, because
/// everything after that state has already been explored.
/// </summary>
internal sealed class Exploration
{
    private readonly Scenario _scenario;
    private readonly Counts _counts;
    private readonly WorldSettings _settings;
    private readonly HashSet<ulong> _states = [];
    private readonly HashSet<ulong> _ends = [];

    private Exploration(Scenario scenario, Counts counts)
    {
        (_scenario, _counts) = (scenario, counts);
        RequestSettings common = new(scenario.Start.Options, scenario.PageSize) { Announces = scenario.Announces };
        Dictionary<(int, Operation, DateTimeOffset), Request> begun = [];
        _settings = new(scenario.Start, scenario.Mutation)
        {
            Begin = (number, operation, now) => begun.TryGetValue((number, operation, now), out var known)
                ? known
                : begun[(number, operation, now)] = new(number, operation, common, now),
        };
    }

    /// <exception cref="ViolationException">A rule was violated. The message contains the shortest schedule to the violation.</exception>
    public static void Run(Scenario scenario, Counts counts)
    {
        counts.Scenarios++;
        if (!new Exploration(scenario, counts).Explore(deepFirst: true))
            return;

        // Breadth-first search finds a shortest schedule first.
        new Exploration(scenario, new()).Explore(deepFirst: false);
    }

    private bool Explore(bool deepFirst)
    {
        var open = new LinkedList<(World World, Schedule? Schedule)>([(NewWorld(null), null)]);
        while (open.Count > 0)
        {
            var (world, schedule) = deepFirst ? open.Last!.Value : open.First!.Value;
            if (deepFirst)
                open.RemoveLast();
            else
                open.RemoveFirst();

            try
            {
                foreach (var next in Next(world, schedule))
                    open.AddLast(next);
            }
            catch (ViolationException) when (deepFirst)
            {
                return true;
            }
        }

        return false;
    }

    private IEnumerable<(World World, Schedule Schedule)> Next(World world, Schedule? schedule)
    {
        _counts.States++;
        if (world.Requests.Any(request => request.Setbacks > _scenario.MaxSetbacks))
        {
            _counts.CutOff++;
            yield break;
        }

        if (world.Requests.All(request => request.HasEnded))
            End(world, schedule);
        foreach (var step in Steps(world, (schedule?.Faults ?? 0) < _scenario.MaxFaults))
        {
            Schedule after = new(schedule, step);
            var next = new World(world);
            Check(() => next.Take(step), after);
            Count(world, step);
            if (_states.Add(next.Fingerprint() + (ulong)after.Faults))
                yield return (next, after);
        }
    }

    private void End(World world, Schedule? schedule)
    {
        _counts.Ends++;
        if (_ends.Add(world.Fingerprint()))
            Check(new World(world).Finish, schedule);
    }

    private void Check(Action act, Schedule? schedule)
    {
        try
        {
            act();
        }
        catch (ViolationException violation)
        {
            throw new ViolationException($"{violation.Message}\n{_scenario}\n{Tell(schedule)}");
        }
    }

    private void Count(World world, Step step)
    {
        _counts.Steps++;
        _counts.Crashes += step.Kind == StepKind.Crash ? 1 : 0;
        _counts.Lost += step.Kind == StepKind.Lose ? 1 : 0;
        _counts.Late += step.Kind == StepKind.Land ? 1 : 0;
        _counts.Pages += step.Kind == StepKind.Make && world.Requests[step.Index].Pending[step.Call].Call.Page?.From is not null ? 1 : 0;
    }

    private static IEnumerable<Step> Steps(World world, bool withFaults)
    {
        var calls = world.Requests.Index().SelectMany(request => request.Item.Pending.Index().Select(
            call => (Request: request.Index, Call: call.Index, Pending: call.Item, IsDoomed: world.IsDoomed(call.Item, request.Item)))).ToList();

        // A call that is refused whenever it is made is made immediately, because making it later would reveal nothing new.
        if (calls.FindIndex(call => call.IsDoomed) is >= 0 and var doomed)
            calls = [calls[doomed]];

        foreach (var (request, call, pending, _) in calls)
        {
            yield return new(StepKind.Make, request, call);
            if (!withFaults)
                continue;

            yield return new(StepKind.Crash, request, call);
            if (pending.Call.IsWrite)
                yield return new(StepKind.Lose, request, call);
        }

        for (var late = 0; late < world.LateWrites.Count; late++)
            yield return new(StepKind.Land, late);
        if (world.CanPass)
            yield return new(StepKind.Pass, 0);
    }

    private World NewWorld(Action<string>? log)
    {
        var world = new World(_settings) { Log = log };
        foreach (var operation in _scenario.Operations)
            world.Send(operation);
        return world;
    }

    private string Tell(Schedule? schedule)
    {
        List<string> lines = [];
        try
        {
            var world = NewWorld(lines.Add);
            foreach (var step in schedule?.Steps() ?? new())
                world.Take(step);
            world.Finish();
        }
        catch (ViolationException violation)
        {
            lines.Add(violation.Message);
        }

        return string.Join('\n', lines.Index().Select(line => $"{line.Index + 1,3}. {line.Item}"));
    }

    private sealed record Schedule(Schedule? Before, Step Last)
    {
        public int Faults { get; } = (Before?.Faults ?? 0) + (Last.IsFault ? 1 : 0);

        public Stack<Step> Steps()
        {
            Stack<Step> steps = [];
            for (var schedule = this; schedule is not null; schedule = schedule.Before)
                steps.Push(schedule.Last);
            return steps;
        }
    }
}
