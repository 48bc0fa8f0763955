using Sessions.Model;
using Sessions.Storage;

namespace Sessions.Tests.Simulation;

/// <summary>A storage call that waits to be scheduled.</summary>
internal sealed record PendingCall(int Number, TableCall Call);

/// <summary>One run of a request. It is the product's own code over tables on which each call waits to be scheduled.</summary>
internal sealed class Execution
{
    private const int MostSwept = 10_000;

    private readonly Dictionary<int, TaskCompletionSource<TableAnswer>> _answers = [];
    private readonly List<PendingCall> _pending = [];
    private readonly WriteIds _writeIds;
    private readonly int _pageSize;
    private readonly StoppedClock _clock;
    private readonly SimulatedQueue _queue;
    private int _calls;

    public Execution(int number, Operation operation, RequestSettings settings, DateTimeOffset now)
    {
        (_writeIds, _pageSize, _clock, _queue) = (new(number), settings.PageSize, new() { Now = now }, new(settings.Announces));
        Result = RunAsync(operation, new(Table), settings.Options);
        _queue.Store(() => _pending.Count == 0 && !Result.IsCompleted);
    }

    public IReadOnlyList<PendingCall> Pending => _pending;

    public Task<string> Result { get; }

    /// <summary>Delivers the response to a call. The request continues synchronously on this thread, up to its next calls.</summary>
    public void Continue(int number, TableAnswer answer, DateTimeOffset now)
    {
        _clock.Now = now;
        _pending.RemoveAll(call => call.Number == number);
        _answers.Remove(number, out var waiting);
        waiting!.SetResult(_writeIds.Restore(answer));
        _queue.Store(() => _pending.Count == 0 && !Result.IsCompleted);
        if (Result.IsCompletedSuccessfully)
            _queue.CheckEnd();
    }

    private async Task<string> RunAsync(Operation operation, Tables tables, SessionsOptions options)
    {
        MembershipStore memberships = new(tables, options, _clock, _queue.Queue);
        var (account, kind) = (Request.Account, operation.Kind);
        var (participant, session) = (Ids.Participant(operation.Participant), Ids.Session(operation.Session));
        var subscriptions = operation.Subscriptions is null ? null : Ids.Subscriptions(operation.Subscriptions);
        var precondition = operation.IfMatch switch
        {
            null => Precondition.None,
            Operation.AnyTag => Precondition.AnyState,
            var tag => Precondition.OneOf([tag]),
        };
        return kind switch
        {
            OperationKind.Join => (await memberships.JoinAsync(account, session, participant, subscriptions, precondition, default)).ToString(),
            OperationKind.Leave => (await memberships.LeaveAsync(account, session, participant, precondition, default)).ToString(),
            OperationKind.Update => (await memberships.UpdateSubscriptionsAsync(account, session, participant, subscriptions!, precondition, default)).ToString(),
            OperationKind.DeleteParticipant => (await memberships.DeleteParticipantAsync(account, participant, precondition, default)).ToString(),
            OperationKind.DeleteSession => (await memberships.DeleteSessionAsync(account, session, precondition, default)).ToString(),
            OperationKind.CreateParticipant => (await new ParticipantStore(tables, options, _clock, _queue.Queue).CreateAsync(account, NewParticipant.Default, Ids.Key, default)).Outcome.ToString(),
            OperationKind.CreateSession => (await new SessionStore(tables, options, _clock, _queue.Queue).CreateAsync(account, NewSession.Default, Ids.Key, default)).Outcome.ToString(),
            OperationKind.Sweep => await SweepAsync(tables, options),
            OperationKind.GetParticipant => Text(await new ParticipantStore(tables, options, _clock, _queue.Queue).GetAsync(account, participant, default)),
            _ => Text(await new SessionStore(tables, options, _clock, _queue.Queue).ListParticipantsAsync(account, session, default)),
        };
    }

    private async Task<string> SweepAsync(Tables tables, SessionsOptions options)
    {
        await new Sweeper(tables, options.EventRetention, _clock, _queue.Queue).SweepAsync(MostSwept, default);
        return Model.Done;
    }

    private static string Text(Versioned<Participant>? participant) => participant switch
    {
        null => "NoParticipant",
        { Value: { Sessions: [var id] } member } => Model.In(Ids.Of(id), Ids.Text(member.Subscriptions)),
        _ => "in no session",
    };

    private static string Text(IReadOnlyList<Participant>? members)
        => members is null ? "NoSession" : Model.List(members.Select(member => (Ids.Of(member.Id), Ids.Text(member.Subscriptions))));

    private SimulatedTable Table(string name) => new(
        name,
        call =>
        {
            _queue.Check(call);
            _pending.Add(new(++_calls, _writeIds.Name(call)));
            return (_answers[_calls] = new()).Task;
        },
        _pageSize);

    /// <summary>A clock that stands still until the next response. Every delay ends immediately.</summary>
    private sealed class StoppedClock : TimeProvider
    {
        public DateTimeOffset Now { get; set; }

        public override DateTimeOffset GetUtcNow() => Now;

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
