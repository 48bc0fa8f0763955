using System.Globalization;
using Azure;
using Sessions.Model;
using Sessions.Storage;

namespace Sessions.Tests.Simulation;

/// <summary>A storage call that waits for its turn.</summary>
internal sealed class PendingCall(int number, TableCall call)
{
    private readonly TaskCompletionSource<TableAnswer> _answer = new();

    public int Number => number;

    public TableCall Call => call;

    public Task<TableAnswer> Answer => _answer.Task;

    /// <summary>Lets the request go on, at once and on this thread, up to its next calls.</summary>
    public void Continue(TableAnswer answer) => _answer.SetResult(answer);
}

/// <summary>One request on its way: the product's own code over tables on which each call waits for its turn.</summary>
internal sealed class Request
{
    public static readonly AccountId Account = AccountId.Parse("account");

    public static readonly int AccountPrefix = $"{Account}:".Length;

    private static readonly StoppedClock Clock = new();

    private readonly List<PendingCall> _pending = [];
    private readonly Task<string> _run;
    private int _calls;

    public Request(int number, Operation operation, SessionsOptions options)
    {
        (Number, Operation) = (number, operation);
        var tables = new Tables(Table);
        _run = RunAsync(operation, new(tables, options, Clock), new(tables, options, Clock), new(tables, options, Clock));
    }

    public int Number { get; }

    public Operation Operation { get; }

    public IReadOnlyList<PendingCall> Pending => _pending;

    /// <summary>Whether the first of its calls has been made: until then it might as well not have been sent.</summary>
    public bool HasBegun { get; private set; }

    /// <summary>It is lost in the middle, and nobody ever gets its answer.</summary>
    public bool HasCrashed { get; private set; }

    public bool HasEnded => HasCrashed || _run.IsCompleted;

    /// <summary>It ended without an answer that tells what it did.</summary>
    public bool IsUnsettled => HasCrashed || (_run.IsFaulted && StorageFaults.IsTransient(_run.Exception!));

    public string? Answer => IsUnsettled ? null : _run.GetAwaiter().GetResult();

    /// <summary>How many of its writes were refused or got no answer: each is a reason to try again.</summary>
    public int Setbacks { get; private set; }

    /// <summary>Stands for all that the request knows: its code is deterministic, so what it was answered says where it is.</summary>
    public ulong History { get; private set; }

    public ETag NextETag(PendingCall call) => new(string.Create(CultureInfo.InvariantCulture, $"{Number}.{call.Number}"));

    public bool Wrote(ETag etag) => etag.ToString().StartsWith(string.Create(CultureInfo.InvariantCulture, $"{Number}."), StringComparison.Ordinal);

    public void Take(PendingCall call, TableAnswer answer)
    {
        HasBegun = true;
        _pending.Remove(call);
        if (call.Call.IsWrite && !answer.Succeeded)
            Setbacks++;

        // Calls that are made in parallel may be answered in any order.
        History += Fingerprint.Of((ulong)call.Number, answer.Fingerprint);
        call.Continue(answer);
    }

    public void Crash()
    {
        HasBegun = HasCrashed = true;
        _pending.Clear();
    }

    private static async Task<string> RunAsync(
        Operation operation, MembershipStore memberships, ParticipantStore participants, SessionStore sessions)
    {
        var (kind, number, sessionNumber, text) = operation;
        var (participant, session) = (Ids.Participant(number), Ids.Session(sessionNumber));
        var subscriptions = text is null ? null : Ids.Subscriptions(text);
        return kind switch
        {
            OperationKind.Join => (await memberships.JoinAsync(Account, session, participant, subscriptions, Precondition.None, default)).ToString(),
            OperationKind.Leave => (await memberships.LeaveAsync(Account, session, participant, Precondition.None, default)).ToString(),
            OperationKind.Update => (await memberships.UpdateSubscriptionsAsync(Account, session, participant, subscriptions!, Precondition.None, default)).ToString(),
            OperationKind.DeleteParticipant => (await memberships.DeleteParticipantAsync(Account, participant, Precondition.None, default)).ToString(),
            OperationKind.DeleteSession => (await memberships.DeleteSessionAsync(Account, session, Precondition.None, default)).ToString(),
            OperationKind.GetParticipant => await participants.GetAsync(Account, participant, default) switch
            {
                null => "NoParticipant",
                { Value: { Sessions: [var id] } member } => Model.In(Ids.Of(id), Ids.Text(member.Subscriptions)),
                _ => "in no session",
            },
            _ => await sessions.ListParticipantsAsync(Account, session, default) is { } members
                ? Model.List(members.Select(member => (Ids.Of(member.Id), Ids.Text(member.Subscriptions))))
                : "NoSession",
        };
    }

    private SimulatedTable Table(string name) => new(name, call =>
    {
        var pending = new PendingCall(++_calls, call);
        _pending.Add(pending);
        return pending.Answer;
    });

    /// <summary>Its time stands still, and every pause is over at once.</summary>
    private sealed class StoppedClock : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => StartState.Now;

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            callback(state);
            return new Rung();
        }
    }

    private sealed class Rung : ITimer
    {
        public bool Change(TimeSpan dueTime, TimeSpan period) => true;

        public void Dispose()
        {
        }

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}
