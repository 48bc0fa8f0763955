namespace Sessions.Tests.Simulation;

/// <summary>
/// Watches one request from its first storage call to its answer. Its answer must have been right at one of these
/// moments, and what it changed must be that answer's one change.
/// </summary>
internal sealed class Witness(Request request, Model model)
{
    private readonly HashSet<string> _right = [];
    private string? _changed;
    private bool _mayFindItselfDone;

    /// <summary>Whether one of its writes got no answer.</summary>
    public bool LostAnswer { get; private set; }

    public ulong Fingerprint { get; private set; }

    /// <summary>A moment that the request saw or could have seen.</summary>
    public void See(State now)
    {
        foreach (var (answer, after) in model.Allows(request.Operation, now))
        {
            if (after.Equals(now))
                AddRight(answer);

            // Who did it is not to be told: a deletion or removal whose answer was lost, and that is done now.
            if (_mayFindItselfDone && answer is ("NoParticipant" or "NoSession" or "NotAMember"))
                AddRight(Model.Done);
        }
    }

    /// <summary>The request itself made the change.</summary>
    public void Changed(State before, State after)
    {
        if (Model.First(request.Operation, before) is { } first && first.Equals(after))
            return;
        if (_changed is not null)
            throw new ViolationException($"{request.Operation} took effect a second time.");

        _changed = model.Allows(request.Operation, before).Where(allowed => !allowed.After.Equals(before) && allowed.After.Equals(after))
            .Select(allowed => allowed.Answer)
            .FirstOrDefault()
            ?? throw new ViolationException($"{request.Operation} changed what it must not.");
        Fingerprint += Simulation.Fingerprint.Of("changed", _changed);
    }

    public void LoseAnswer(TableCall call)
    {
        LostAnswer = true;
        _mayFindItselfDone |= request.Operation.Kind switch
        {
            OperationKind.DeleteParticipant => call.Table == "participants",
            OperationKind.DeleteSession or OperationKind.Leave => call.Table == "sessions",
            _ => false,
        };
        Fingerprint += Simulation.Fingerprint.Of("lost", _mayFindItselfDone ? "may be done" : "");
    }

    public void Check(string answer)
    {
        if (_changed is not null && answer != _changed)
            throw new ViolationException($"{request.Operation} took effect, and answered {answer}.");
        if (_changed is null && !_right.Contains(answer))
            throw new ViolationException($"{request.Operation} answered {answer}, which was right at no moment; right was {string.Join(" or ", _right)}.");
    }

    private void AddRight(string answer)
    {
        if (_right.Add(answer))
            Fingerprint += Simulation.Fingerprint.Of(answer);
    }
}
