using System.Collections.Immutable;

namespace Sessions.Tests.Simulation;

/// <summary>
/// Checks one request for linearizability, from its first storage call to its response. The response must be correct at some moment in
/// between, and the change must be the one that belongs to this response. A request that got no response may take effect later.
/// </summary>
internal sealed class Witness
{
    private readonly Model _model;
    private Operation _operation;
    private ImmutableHashSet<string> _right = [];
    private string? _changed;
    private string? _answered;
    private bool _hasLeft;
    private bool _mayFindItselfDone;

    public Witness(Operation operation, Model model) => (_operation, _model) = (operation, model);

    public Witness(Witness original)
    {
        (_model, _operation, _right, _changed) = (original._model, original._operation, original._right, original._changed);
        (_answered, _hasLeft, _mayFindItselfDone) = (original._answered, original._hasLeft, original._mayFindItselfDone);
        (GaveUpAWrite, Fingerprint) = (original.GaveUpAWrite, original.Fingerprint);
    }

    /// <summary>Whether one of its writes got no response.</summary>
    public bool GaveUpAWrite { get; private set; }

    public ulong Fingerprint { get; private set; }

    /// <summary>Adds the correct responses in a state that the request saw or could have seen.</summary>
    public void See(State now)
    {
        foreach (var (answer, after) in _model.Allows(_operation, now))
        {
            if (after.Equals(now))
                AddRight(answer);

            // After a deletion or removal whose response was lost, the request cannot tell whether it or another request made the change.
            if (_mayFindItselfDone && answer is ("NoParticipant" or "NoSession" or "NotAMember"))
                AddRight(Model.Done);
        }
    }

    /// <summary>
    /// Adds the correct responses after a resource has expired. If that resource is the one that the request would have changed just
    /// before, nobody can tell whether it was changed.
    /// </summary>
    public void SeeEnd(State before, State after)
    {
        foreach (var (answer, changed) in _model.Allows(_operation, Model.First(_operation, before) ?? before))
        {
            if (changed.At(after).Equals(after))
                AddRight(answer);
        }

        See(after);
    }

    /// <summary>Checks a change that the request itself made.</summary>
    public void Changed(State before, State after)
    {
        if (_answered is not null)
            throw new ViolationException($"{_operation} answered {_answered}, and took effect afterwards.");
        if (Model.First(_operation, before) is { } first && first.Equals(after))
        {
            // The deletion has begun and is completed, so its condition is not checked again.
            (_hasLeft, _operation) = (true, _operation with { IfMatch = null });
            Fingerprint += Simulation.Fingerprint.Of("left");
            return;
        }

        if (_changed is not null)
            throw new ViolationException($"{_operation} took effect a second time.");

        _changed = _model.Allows(_operation, before).Where(allowed => !allowed.After.Equals(before) && allowed.After.Equals(after))
            .Select(allowed => allowed.Answer)
            .FirstOrDefault()
            ?? throw new ViolationException($"{_operation} changed what it must not.");
        Fingerprint += Simulation.Fingerprint.Of("changed", _changed);
    }

    public void GiveUp(TableCall write)
    {
        GaveUpAWrite = true;
        _mayFindItselfDone |= _operation.Kind switch
        {
            OperationKind.DeleteParticipant => write.Table == "participants",
            OperationKind.DeleteSession or OperationKind.Leave => write.Table == "sessions",
            _ => false,
        };
        Fingerprint += Simulation.Fingerprint.Of("lost", _mayFindItselfDone ? "may be done" : "");
    }

    public void Check(string answer)
    {
        _answered = answer;
        if (_changed is not null && answer != _changed && !(answer == Model.Gone && GaveUpAWrite && _right.Contains(answer)))
            throw new ViolationException($"{_operation} took effect, and answered {answer}.");
        if (_hasLeft && answer == Model.PreconditionFailed)
            throw new ViolationException($"{_operation} took its participant out of the session, and answered {answer}.");
        if (_changed is null && !_right.Contains(answer))
            throw new ViolationException($"{_operation} answered {answer}, which was right at no moment; right was {string.Join(" or ", _right)}.");
    }

    private void AddRight(string answer)
    {
        var right = _right.Add(answer);
        if (right == _right)
            return;

        _right = right;
        Fingerprint += Simulation.Fingerprint.Of(answer);
    }
}
