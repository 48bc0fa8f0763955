using System.Globalization;

namespace Sessions.Tests.Simulation;

/// <summary>
/// The reference model, which specifies the API without any storage. For each state it contains the correct responses and the change that
/// each of them makes.
/// </summary>
internal sealed class Model(int participantsPerSession)
{
    public const string Done = nameof(Done);
    public const string PreconditionFailed = nameof(PreconditionFailed);
    public const string Gone = "IdempotentResourceGone";
    public const string None = "{}";

    public IEnumerable<(string Answer, State After)> Allows(Operation operation, State now)
    {
        var (kind, participant, session, subscriptions) = operation;
        var isThere = now.Participants.Contains(participant);
        var isSession = now.Sessions.Contains(session);
        var isMember = now.Members.TryGetValue(participant, out var member);
        return kind switch
        {
            OperationKind.Sweep => [(Done, now)],
            OperationKind.CreateParticipant or OperationKind.CreateSession => [Create(kind, kind == OperationKind.CreateSession ? session : participant, now)],

            OperationKind.DeleteParticipant or OperationKind.GetParticipant when !isThere => [("NoParticipant", now)],
            OperationKind.GetParticipant => [(isMember ? In(member.Session, member.Subscriptions) : "in no session", now)],
            OperationKind.DeleteSession or OperationKind.List when !isSession => [("NoSession", now)],
            OperationKind.List => [(List(now.MembersOf(session).Select(id => (id, now.Members[id].Subscriptions))), now)],

            OperationKind.DeleteParticipant or OperationKind.DeleteSession when !Holds(operation, now) => [(PreconditionFailed, now)],
            OperationKind.DeleteParticipant => isMember ? [] : [(Done, now with { Participants = now.Participants.Remove(participant) })],
            OperationKind.DeleteSession => [(Done, now with { Sessions = now.Sessions.Remove(session), Members = now.Members.RemoveRange(now.MembersOf(session)) })],

            _ when isMember && member.Session == session && !Holds(operation, now) => [(PreconditionFailed, now)],
            OperationKind.Leave when isMember && member.Session == session => [(Done, now.WithoutMember(participant))],
            _ when isMember && member.Session == session => [(Done, subscriptions is null ? now : now.With(participant, session, subscriptions))],
            _ when Refusals().ToList() is { Count: > 0 } refusals => [.. refusals.Select(answer => (answer, now))],
            _ => [(Done, now.With(participant, session, subscriptions ?? None))],
        };

        // If there are several reasons to refuse, the response may give any of them.
        IEnumerable<string> Refusals()
        {
            if (!isSession)
                yield return "NoSession";
            if (!isThere)
                yield return "NoParticipant";
            if (isThere && !Holds(operation, now))
                yield return PreconditionFailed;
            if (kind == OperationKind.Leave)
                yield return "NotAMember";
            if (kind != OperationKind.Leave && isMember)
                yield return "InAnotherSession";
            if (kind != OperationKind.Leave && isSession && now.MembersOf(session).Count() >= participantsPerSession)
                yield return "SessionFull";
        }
    }

    /// <summary>
    /// The state after the first of the two steps in which a member is deleted. It is taken out of its session first, and the condition
    /// applies to that step.
    /// </summary>
    public static State? First(Operation operation, State now)
        => operation.Kind == OperationKind.DeleteParticipant && now.Members.ContainsKey(operation.Participant) && Holds(operation, now)
            ? now.WithoutMember(operation.Participant)
            : null;

    public static string In(int session, string subscriptions) => string.Create(CultureInfo.InvariantCulture, $"in S{session} with {subscriptions}");

    public static string List(IEnumerable<(int Participant, string Subscriptions)> members)
        => $"[{string.Join(", ", members.OrderBy(member => member.Participant).Select(member => $"P{member.Participant} with {member.Subscriptions}"))}]";

    private static (string Answer, State After) Create(OperationKind kind, int id, State now)
    {
        var isThere = kind == OperationKind.CreateSession ? now.Sessions.Contains(id) : now.Participants.Contains(id);
        if (now.Keys.Contains((kind, id)))
            return (isThere ? Done : Gone, now);

        var after = now with { Keys = now.Keys.Add((kind, id)) };
        return (Done, kind == OperationKind.CreateSession
            ? after with { Sessions = now.Sessions.Add(id) }
            : after with { Participants = now.Participants.Add(id) });
    }

    /// <summary>Whether the condition of a change to an existing resource is met.</summary>
    private static bool Holds(Operation operation, State now)
        => operation.IfMatch is null or Operation.AnyTag
            || operation.IfMatch == (operation.Kind == OperationKind.DeleteSession
                ? now.TagOfSession(operation.Session)
                : now.TagOfParticipant(operation.Participant));
}
