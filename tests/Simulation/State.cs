using System.Collections.Immutable;

namespace Sessions.Tests.Simulation;

/// <summary>
/// Everything that callers can observe, which is the existing resources, the members with their subscriptions, and the entity tags.
/// </summary>
internal sealed record State(
    ImmutableHashSet<int> Participants, ImmutableHashSet<int> Sessions, ImmutableDictionary<int, (int Session, string Subscriptions)> Members)
{
    public static State Empty { get; } = new([], [], ImmutableDictionary<int, (int, string)>.Empty);

    /// <summary>
    /// The tags of the members and of the sessions. They are ignored in comparisons, because a change gives them new values.
    /// </summary>
    public ImmutableDictionary<int, string> MemberTags { get; init; } = ImmutableDictionary<int, string>.Empty;

    public ImmutableDictionary<int, string> SessionTags { get; init; } = ImmutableDictionary<int, string>.Empty;

    /// <summary>The resources that were created with an idempotency key.</summary>
    public ImmutableHashSet<(OperationKind Kind, int Id)> Keys { get; init; } = [];

    public IEnumerable<int> MembersOf(int session) => Members.Where(member => member.Value.Session == session).Select(member => member.Key);

    public State With(int participant, int session, string subscriptions)
        => this with { Members = Members.SetItem(participant, (session, subscriptions)) };

    public State WithoutMember(int participant) => this with { Members = Members.Remove(participant) };

    /// <summary>This state without the resources that have expired in a later state.</summary>
    public State At(State later) => this with
    {
        Participants = Participants.Intersect(later.Participants),
        Sessions = Sessions.Intersect(later.Sessions),
        Members = Members.RemoveRange(Members
            .Where(member => !later.Participants.Contains(member.Key) || !later.Sessions.Contains(member.Value.Session))
            .Select(member => member.Key)),
    };

    /// <summary>A participant outside any session has a fixed tag, and a member has the tag of its membership.</summary>
    public string? TagOfParticipant(int participant)
        => !Participants.Contains(participant) ? null
            : Members.ContainsKey(participant) ? MemberTags[participant]
            : Ids.Participant(participant).ToString();

    public string? TagOfSession(int session) => Sessions.Contains(session) ? SessionTags[session] : null;

    public bool Equals(State? other) => ReferenceEquals(this, other) || (other is not null
        && (ReferenceEquals(Participants, other.Participants) || Participants.SetEquals(other.Participants))
        && (ReferenceEquals(Sessions, other.Sessions) || Sessions.SetEquals(other.Sessions))
        && (ReferenceEquals(Keys, other.Keys) || Keys.SetEquals(other.Keys))
        && (ReferenceEquals(Members, other.Members) || (Members.Count == other.Members.Count && Members.All(other.Members.Contains))));

    public override int GetHashCode() => HashCode.Combine(Participants.Count, Sessions.Count, Members.Count);
}
