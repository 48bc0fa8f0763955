using System.Globalization;
using Azure;
using Sessions.Model;
using Sessions.Storage;

namespace Sessions.Tests.Simulation;

/// <summary>The settings that all requests share.</summary>
internal sealed record RequestSettings(SessionsOptions Options, int PageSize = int.MaxValue)
{
    /// <summary>Whether a request sends the message about its events before it writes them.</summary>
    public bool Announces { get; init; } = true;
}

/// <summary>
/// A request at one point of its execution. It is immutable. A response leads to another point, and the same response always leads to the
/// same point. The product's code runs once to each point, because it is deterministic.
/// </summary>
internal sealed class Request
{
    public static readonly AccountId Account = AccountId.Parse("account");

    public static readonly int AccountPrefix = $"{Account}:".Length;

    private readonly RequestSettings _settings;
    private readonly DateTimeOffset _now;
    private readonly Request? _before;
    private readonly Dictionary<(int Call, ulong Answer, DateTimeOffset Now), Request> _next = [];
    private readonly Exception? _failure;
    private readonly string? _answer;
    private Execution? _execution;

    public Request(int number, Operation operation, RequestSettings settings, DateTimeOffset now)
    {
        (Number, Operation, _settings, _now) = (number, operation, settings, now);
        _execution = new(number, operation, settings, now);
        Pending = [.. _execution.Pending];
    }

    private Request(Request before, PendingCall call, TableAnswer answer, DateTimeOffset now, Execution execution)
    {
        (Number, Operation, _settings, _now) = (before.Number, before.Operation, before._settings, now);
        (_before, Last, HasBegun) = (before, (call, answer), true);
        Setbacks = before.Setbacks + (call.Call.IsWrite && !answer.Succeeded ? 1 : 0);

        // Responses to parallel calls may arrive in any order.
        History = before.History + Fingerprint.Of(
            Fingerprint.Of(Fingerprint.Of((ulong)call.Number, Fingerprint.Of(call.Call.PartitionKey)), answer.Fingerprint), (ulong)now.UtcTicks);
        Pending = [.. execution.Pending];
        HasEnded = execution.Result.IsCompleted;
        (_execution, _failure) = (HasEnded ? null : execution, execution.Result.Exception);
        _answer = execution.Result.IsCompletedSuccessfully ? execution.Result.Result : null;
        IsUnsettled = _failure is not null && StorageFaults.IsTransient(_failure);
    }

    private Request(Request crashing)
    {
        (Number, Operation, _settings, _now) = (crashing.Number, crashing.Operation, crashing._settings, crashing._now);
        (Setbacks, History) = (crashing.Setbacks, crashing.History);
        (HasBegun, HasEnded, HasCrashed, IsUnsettled, Pending) = (true, true, true, true, []);
    }

    public int Number { get; }

    public Operation Operation { get; }

    public IReadOnlyList<PendingCall> Pending { get; }

    /// <summary>Whether its first call has been made. Before that, the request has no effect on the state.</summary>
    public bool HasBegun { get; }

    public bool HasEnded { get; }

    /// <summary>Whether it crashed, so that nobody ever gets its response.</summary>
    public bool HasCrashed { get; }

    /// <summary>Whether it ended without a response that shows whether it took effect.</summary>
    public bool IsUnsettled { get; }

    public string? Answer => _failure is null || IsUnsettled ? _answer : throw new ViolationException($"{Operation} failed: {_failure}");

    /// <summary>The number of its writes that were refused or got no response. Each of them is a reason for a retry.</summary>
    public int Setbacks { get; }

    /// <summary>
    /// A fingerprint of everything that the request knows. Its code is deterministic, so the responses that it got determine its state.
    /// </summary>
    public ulong History { get; }

    /// <summary>The completed calls, the last one first.</summary>
    public IEnumerable<(TableCall Call, TableAnswer Answer)> Made
    {
        get
        {
            for (var request = this; request is { _before: { } before, Last: var (call, answer) }; request = before)
                yield return (call.Call, answer);
        }
    }

    private (PendingCall Call, TableAnswer Answer) Last { get; }

    public ETag NextETag(PendingCall call) => new(string.Create(CultureInfo.InvariantCulture, $"{Number}.{call.Number}"));

    public bool Wrote(ETag etag) => etag.ToString().StartsWith(string.Create(CultureInfo.InvariantCulture, $"{Number}."), StringComparison.Ordinal);

    public Request After(PendingCall call, TableAnswer answer, DateTimeOffset now)
    {
        var key = (call.Number, answer.Fingerprint, now);
        if (_next.TryGetValue(key, out var next))
            return next;

        var execution = TakeExecution();
        execution.Continue(call.Number, answer, now);
        return _next[key] = new(this, call, answer, now, execution);
    }

    public Request Crash() => new(this);

    /// <summary>Takes the execution at this point. The execution moves on from here, so the next caller gets another one.</summary>
    private Execution TakeExecution()
    {
        if (_execution is { } waiting)
        {
            _execution = null;
            return waiting;
        }

        if (_before is null)
            return new(Number, Operation, _settings, _now);

        var execution = _before.TakeExecution();
        execution.Continue(Last.Call.Number, Last.Answer, _now);
        return execution;
    }
}
