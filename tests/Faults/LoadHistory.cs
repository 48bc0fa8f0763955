using System.Collections.Concurrent;

namespace Sessions.Tests;

/// <summary>The action of a client of the load.</summary>
public enum LoadAction
{
    CreateSession,
    CreateRefused,
    GetSession,
    List,
    DeleteSession,
    CreateParticipant,
    GetParticipant,
    DeleteParticipant,
    Join,
    Leave,
    Update,
    GetSubscriptions,
}

/// <summary>
/// A request of the load. Its mark is the text that it writes, which is unique among all requests, or null for no subscriptions. The status
/// is 0 if the client did not wait for the response.
/// </summary>
public sealed record LoadRequest(
    LoadAction Action, string Session, string Participant, string? Mark, long Start, long End, int Status, string? Error)
{
    public bool IsDone => Status is 200 or 204;

    public bool IsRefused => Status is >= 400 and < 500;

    /// <summary>
    /// The latest time at which it may have changed something. A request without a definite response may do so at any later time.
    /// </summary>
    public long Until => IsDone ? End : long.MaxValue;

    public override string ToString()
        => $"{Action} S={Session} P={Participant} {Mark} {Status} {Error} [{Start / TimeSpan.TicksPerMillisecond}, {End / TimeSpan.TicksPerMillisecond}] ms";
}

/// <summary>The rows of sessions, participants and members.</summary>
public sealed record LoadRows(
    IReadOnlySet<string> Sessions,
    IReadOnlyDictionary<string, string> Claims,
    IReadOnlyList<(string Session, string Participant, string? Mark)> Members,
    IReadOnlyList<string> Tags);

/// <summary>The requests of a load, and the rules that must hold between them and the final rows.</summary>
public sealed class LoadHistory
{
    public const string RefusedMark = "refused";

    private readonly ConcurrentBag<LoadRequest> _requests = [];

    public IReadOnlyCollection<LoadRequest> Requests => _requests;

    public void Add(LoadRequest request) => _requests.Add(request);

    public void Clear() => _requests.Clear();

    /// <summary>The violated rules.</summary>
    public IReadOnlyList<string> Mistakes(LoadRows rows, int participantsPerSession)
    {
        List<string> mistakes = [.. RowMistakes(rows, participantsPerSession)];
        var bySession = _requests.ToLookup(request => request.Session);
        var byParticipant = _requests.ToLookup(request => request.Participant);
        var byMember = _requests.ToLookup(request => (request.Session, request.Participant));
        var members = rows.Members.ToLookup(member => (member.Session, member.Participant), member => member.Mark);

        foreach (var created in _requests.Where(request => request.Action == LoadAction.CreateSession && request.IsDone))
            mistakes.AddRange(LifeMistakes(created.Session, bySession[created.Session], LoadAction.DeleteSession, "no session", rows.Sessions.Contains(created.Session)));
        foreach (var created in _requests.Where(request => request.Action == LoadAction.CreateParticipant && request.IsDone))
            mistakes.AddRange(LifeMistakes(created.Participant, byParticipant[created.Participant], LoadAction.DeleteParticipant, "no participant with this id.", rows.Claims.ContainsKey(created.Participant)));

        foreach (var pair in byMember.Where(pair => pair.Key is { Session.Length: > 0, Participant.Length: > 0 }))
        {
            var leaves = pair.Where(request => request.Action == LoadAction.Leave)
                .Concat(bySession[pair.Key.Session].Where(request => request.Action == LoadAction.DeleteSession))
                .Concat(byParticipant[pair.Key.Participant].Where(request => request.Action == LoadAction.DeleteParticipant))
                .Where(request => !request.IsRefused).ToArray();
            mistakes.AddRange(MemberMistakes([.. pair], leaves, members.Contains(pair.Key), members[pair.Key].FirstOrDefault()));
        }

        return mistakes;
    }

    private static IEnumerable<string> RowMistakes(LoadRows rows, int participantsPerSession)
    {
        foreach (var (session, participant, _) in rows.Members)
        {
            if (!rows.Sessions.Contains(session))
                yield return $"{participant} is a member of {session}, which is not there.";
            if (!rows.Claims.TryGetValue(participant, out var claim))
                yield return $"{participant} is a member of {session}, and is not there.";
            else if (claim != session)
                yield return $"{participant} is a member of {session}, and claims {claim}.";
        }

        foreach (var sessions in rows.Members.GroupBy(member => member.Participant).Where(sessions => sessions.Count() > 1))
            yield return $"{sessions.Key} is a member of {sessions.Count()} sessions.";
        foreach (var members in rows.Members.GroupBy(member => member.Session).Where(members => members.Count() > participantsPerSession))
            yield return $"{members.Key} has {members.Count()} members.";
        foreach (var tag in rows.Tags.Where(tag => tag.StartsWith(RefusedMark, StringComparison.Ordinal)))
            yield return $"{tag} was refused, and is there.";
    }

    /// <summary>A session or participant exists from its creation to its deletion, and never again afterwards.</summary>
    private static IEnumerable<string> LifeMistakes(string id, IEnumerable<LoadRequest> requests, LoadAction delete, string missing, bool isThere)
    {
        var all = requests.ToArray();
        var deletes = all.Where(request => request.Action == delete && !request.IsRefused).ToArray();
        var deleted = deletes.Where(request => request.IsDone).Select(request => request.End).DefaultIfEmpty(long.MaxValue).Min();
        if (isThere && deleted != long.MaxValue)
            yield return $"{id} was deleted, and is there.";
        if (!isThere && deletes.Length == 0)
            yield return $"{id} was not deleted, and is not there.";

        foreach (var request in all)
        {
            if (request.IsDone && request.Start > deleted)
                yield return $"After the deletion: {request}";
            if (request.Status == 404 && request.Error!.Contains(missing, StringComparison.Ordinal) && !deletes.Any(other => other.Start < request.End))
                yield return $"Before any deletion: {request}";
        }
    }

    /// <summary>A participant is in a session from a join to a leave, with the most recently written subscriptions.</summary>
    private static IEnumerable<string> MemberMistakes(LoadRequest[] requests, LoadRequest[] leaves, bool isMember, string? mark)
    {
        var joins = requests.Where(request => request.Action is LoadAction.Join or LoadAction.Update && !request.IsRefused).ToArray();
        if (isMember)
        {
            var written = joins.Where(join => join.Mark == mark).ToArray();
            if (written.Length == 0)
                yield return $"Nobody wrote {mark}, or it was refused.";
            else if (written.All(join => leaves.Any(leave => leave.IsDone && leave.Start > join.Until)))
                yield return $"Left, and there again: {written[0]}";
            else if (mark is not null && Array.Find(joins, other => other is { IsDone: true, Mark: not null } && other.Start > written[0].Until) is { } last)
                yield return $"Replaced, and there again: {written[0]} by {last}";
        }
        else
        {
            foreach (var join in joins.Where(join => join.IsDone && !leaves.Any(leave => leave.Until > join.Start)))
                yield return $"Lost: {join}";
        }

        var missed = requests.Where(request => request.Status == 404
            && request.Error!.Contains("in this session", StringComparison.Ordinal)
            && joins.Any(join => join.IsDone && join.End < request.Start && !leaves.Any(leave => leave.Until > join.Start && leave.Start < request.End)));
        foreach (var request in missed)
            yield return $"Not seen to have joined: {request}";
    }
}
