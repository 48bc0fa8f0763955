using System.Collections.Immutable;
using System.Globalization;

namespace Sessions.Tests.Simulation;

internal enum OperationKind
{
    Join,
    Leave,
    Update,
    DeleteParticipant,
    DeleteSession,
    GetParticipant,
    List,
}

/// <summary>What a request asks for; participants and sessions are numbers here.</summary>
internal sealed record Operation(OperationKind Kind, int Participant = 0, int Session = 0, string? Subscriptions = null)
{
    public override string ToString() => Kind switch
    {
        OperationKind.DeleteParticipant => $"Delete(P{Participant})",
        OperationKind.DeleteSession => $"Delete(S{Session})",
        OperationKind.GetParticipant => $"Get(P{Participant})",
        OperationKind.List => $"List(S{Session})",
        _ => $"{Kind}(P{Participant}, S{Session}{(Subscriptions is null ? "" : $", {Subscriptions}")})",
    };
}

/// <summary>All that callers can know: who is there, and who is where with which subscriptions.</summary>
internal sealed record State(
    ImmutableHashSet<int> Participants, ImmutableHashSet<int> Sessions, ImmutableDictionary<int, (int Session, string Subscriptions)> Members)
{
    public static State Empty { get; } = new([], [], ImmutableDictionary<int, (int, string)>.Empty);

    public IEnumerable<int> MembersOf(int session) => Members.Where(member => member.Value.Session == session).Select(member => member.Key);

    public State With(int participant, int session, string subscriptions)
        => this with { Members = Members.SetItem(participant, (session, subscriptions)) };

    public State WithoutMember(int participant) => this with { Members = Members.Remove(participant) };

    public bool Equals(State? other) => ReferenceEquals(this, other) || (other is not null
        && (ReferenceEquals(Participants, other.Participants) || Participants.SetEquals(other.Participants))
        && (ReferenceEquals(Sessions, other.Sessions) || Sessions.SetEquals(other.Sessions))
        && (ReferenceEquals(Members, other.Members) || (Members.Count == other.Members.Count && Members.All(other.Members.Contains))));

    public override int GetHashCode() => HashCode.Combine(Participants.Count, Sessions.Count, Members.Count);
}

/// <summary>What the API promises, without any storage: the answers that are right at one moment, and what each of them changes.</summary>
internal sealed class Model(int participantsPerSession)
{
    public const string Done = nameof(Done);
    public const string None = "{}";

    public IEnumerable<(string Answer, State After)> Allows(Operation operation, State now)
    {
        var (kind, participant, session, subscriptions) = operation;
        var isThere = now.Participants.Contains(participant);
        var isSession = now.Sessions.Contains(session);
        var isMember = now.Members.TryGetValue(participant, out var member);
        return kind switch
        {
            OperationKind.DeleteParticipant or OperationKind.GetParticipant when !isThere => [("NoParticipant", now)],
            OperationKind.DeleteParticipant => isMember ? [] : [(Done, now with { Participants = now.Participants.Remove(participant) })],
            OperationKind.GetParticipant => [(isMember ? In(member.Session, member.Subscriptions) : "in no session", now)],

            OperationKind.DeleteSession or OperationKind.List when !isSession => [("NoSession", now)],
            OperationKind.DeleteSession => [(Done, now with { Sessions = now.Sessions.Remove(session), Members = now.Members.RemoveRange(now.MembersOf(session)) })],
            OperationKind.List => [(List(now.MembersOf(session).Select(id => (id, now.Members[id].Subscriptions))), now)],

            OperationKind.Leave when isMember && member.Session == session => [(Done, now.WithoutMember(participant))],
            _ when isMember && member.Session == session => [(Done, subscriptions is null ? now : now.With(participant, session, subscriptions))],
            _ when Refusals().ToList() is { Count: > 0 } refusals => [.. refusals.Select(answer => (answer, now))],
            _ => [(Done, now.With(participant, session, subscriptions ?? None))],
        };

        // When there is more than one reason to refuse, the answer may be any of them.
        IEnumerable<string> Refusals()
        {
            if (!isSession)
                yield return "NoSession";
            if (!isThere)
                yield return "NoParticipant";
            if (kind == OperationKind.Leave && isSession && isThere)
                yield return "NotAMember";
            if (kind != OperationKind.Leave && isMember)
                yield return "InAnotherSession";
            if (kind != OperationKind.Leave && isSession && now.MembersOf(session).Count() >= participantsPerSession)
                yield return "SessionFull";
        }
    }

    /// <summary>Deleting a participant takes two moments when it is a member: this is what the first of them may change.</summary>
    public static State? First(Operation operation, State now)
        => operation.Kind == OperationKind.DeleteParticipant && now.Members.ContainsKey(operation.Participant)
            ? now.WithoutMember(operation.Participant)
            : null;

    public static string In(int session, string subscriptions) => string.Create(CultureInfo.InvariantCulture, $"in S{session} with {subscriptions}");

    public static string List(IEnumerable<(int Participant, string Subscriptions)> members)
        => $"[{string.Join(", ", members.OrderBy(member => member.Participant).Select(member => $"P{member.Participant} with {member.Subscriptions}"))}]";
}
