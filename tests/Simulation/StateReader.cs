using System.Collections.Immutable;
using Sessions.Storage;

namespace Sessions.Tests.Simulation;

/// <summary>The simulation found a violation of a rule.</summary>
internal sealed class ViolationException(string message) : Exception(message);

/// <summary>Derives the state that callers can observe from the rows, and checks the invariants of the rows.</summary>
internal static class StateReader
{
    /// <summary>The state after a write to a partition, or after time has passed.</summary>
    /// <exception cref="ViolationException">An invariant is violated.</exception>
    public static State Read(SimulatedRows rows, (string Table, string PartitionKey) partition, State before, DateTimeOffset now, int participantsPerSession)
    {
        if (Keys.IsIndex(partition.PartitionKey))
            return before;

        var id = Ids.Of(partition.PartitionKey.AsSpan(Request.AccountPrefix));
        if (partition.Table == "participants")
            return ReadParticipant(rows, id, before, now);

        var after = ReadSession(id, rows.Partition(partition), before, now, participantsPerSession);
        foreach (var participant in after.MembersOf(id))
            CheckClaim(rows, participant, id);
        return after;
    }

    private static State ReadParticipant(SimulatedRows rows, int participant, State before, DateTimeOffset now)
    {
        if (before.Members.TryGetValue(participant, out var member))
            CheckClaim(rows, participant, member.Session);

        var partition = rows.Partition(StartState.Participant(participant));
        var isThere = IsLive(partition.GetValueOrDefault(Keys.Participant), now);
        return WithKey(OperationKind.CreateParticipant, participant, partition, isThere == before.Participants.Contains(participant)
            ? before
            : before with { Participants = isThere ? before.Participants.Add(participant) : before.Participants.Remove(participant) });
    }

    private static State ReadSession(
        int session, ImmutableSortedDictionary<string, SimulatedRow> partition, State before, DateTimeOffset now, int participantsPerSession)
    {
        var all = partition.Where(row => Keys.IsMember(row.Key)).ToDictionary(row => Ids.Of(Keys.ParticipantOf(row.Key)), row => row.Value);
        CheckHeader(session, partition.GetValueOrDefault(Keys.Header), all.Keys);
        var rows = all.Where(row => IsLive(row.Value, now)).ToDictionary();
        if (rows.Count > participantsPerSession)
            throw new ViolationException($"S{session} has {rows.Count} members, and may have {participantsPerSession}.");

        var members = before.Members.RemoveRange(before.MembersOf(session).Where(member => !rows.ContainsKey(member)));
        foreach (var (participant, row) in rows)
        {
            if (members.TryGetValue(participant, out var other) && other.Session != session)
                throw new ViolationException($"P{participant} is a member of S{other.Session} and of S{session}.");
            members = members.SetItem(participant, (session, row.Subscriptions));
        }

        return WithKey(OperationKind.CreateSession, session, partition, before with
        {
            Sessions = IsLive(partition.GetValueOrDefault(Keys.Header), now) ? before.Sessions.Add(session) : before.Sessions.Remove(session),
            Members = members,
            MemberTags = before.MemberTags.SetItems(rows.Select(row => KeyValuePair.Create(row.Key, (string)row.Value["WriteId"]!))),
            SessionTags = partition.TryGetValue(Keys.Header, out var header)
                ? before.SessionTags.SetItem(session, (string)header["Version"]!)
                : before.SessionTags.Remove(session),
        });
    }

    private static State WithKey(OperationKind kind, int id, ImmutableSortedDictionary<string, SimulatedRow> partition, State state)
        => partition.ContainsKey(Keys.IdempotencyMarker) == state.Keys.Contains((kind, id)) ? state
            : state with { Keys = state.Keys.Contains((kind, id)) ? state.Keys.Remove((kind, id)) : state.Keys.Add((kind, id)) };

    private static bool IsLive(SimulatedRow? row, DateTimeOffset now) => row is not null && now < (DateTimeOffset)row["Expires"]!;

    private static void CheckHeader(int session, SimulatedRow? header, Dictionary<int, SimulatedRow>.KeyCollection members)
    {
        if (header is null && members.Count > 0)
            throw new ViolationException($"S{session} is deleted and has members.");
        if (header is not null && !header.Members.SetEquals(members))
            throw new ViolationException($"The header of S{session} lists other members than there are.");
    }

    private static void CheckClaim(SimulatedRows rows, int participant, int session)
    {
        if (!rows.Partition(StartState.Participant(participant)).TryGetValue(Keys.Participant, out var row))
            throw new ViolationException($"P{participant} is deleted and a member of S{session}.");
        if ((string?)row["SessionId"] != Ids.Session(session).ToString())
            throw new ViolationException($"P{participant} is a member of S{session} without a claim on it.");
    }
}
