using System.Collections.Immutable;
using Sessions.Storage;

namespace Sessions.Tests.Simulation;

/// <summary>The simulation saw what must never be.</summary>
internal sealed class ViolationException(string message) : Exception(message);

/// <summary>Reads off the rows what callers can know, and holds the rows to the invariants.</summary>
internal sealed class StateReader(SimulatedRows rows, State state, int participantsPerSession)
{
    public State State { get; private set; } = state;

    /// <summary>Takes in a partition that was written.</summary>
    /// <exception cref="ViolationException">An invariant does not hold any more.</exception>
    public void Read((string Table, string PartitionKey) partition)
    {
        var id = Ids.Of(partition.PartitionKey.AsSpan(Request.AccountPrefix));
        if (partition.Table == "sessions")
            ReadSession(id, rows.Partition(partition));
        else
            ReadParticipant(id, !rows.Partition(partition).IsEmpty);
    }

    private void ReadParticipant(int participant, bool isThere)
    {
        if (isThere != State.Participants.Contains(participant))
        {
            State = State with
            {
                Participants = isThere ? State.Participants.Add(participant) : State.Participants.Remove(participant),
            };
        }

        if (State.Members.TryGetValue(participant, out var member))
            CheckClaim(participant, member.Session);
    }

    private void ReadSession(int session, ImmutableSortedDictionary<string, SimulatedRow> partition)
    {
        var members = partition.Where(row => Keys.IsMember(row.Key)).ToDictionary(
            row => Ids.Of(Keys.ParticipantOf(row.Key)), row => (session, Ids.Text((byte[])row.Value["Subscriptions"]!)));
        if (!partition.TryGetValue(Keys.Header, out var header) && members.Count > 0)
            throw new ViolationException($"S{session} is deleted and has members.");
        if (header is not null
            && !MemberSet.From((byte[])header["Members"]!).Entries.Select(entry => Ids.Of(entry.ParticipantId)).ToHashSet().SetEquals(members.Keys))
        {
            throw new ViolationException($"The header of S{session} lists other members than there are.");
        }

        if (members.Count > participantsPerSession)
            throw new ViolationException($"S{session} has {members.Count} members, and may have {participantsPerSession}.");

        var after = State.Members.RemoveRange(State.MembersOf(session).Where(member => !members.ContainsKey(member)));
        foreach (var (participant, membership) in members)
        {
            if (after.TryGetValue(participant, out var other) && other.Session != session)
                throw new ViolationException($"P{participant} is a member of S{other.Session} and of S{session}.");

            after = after.SetItem(participant, membership);
            CheckClaim(participant, session);
        }

        State = State with
        {
            Sessions = partition.IsEmpty ? State.Sessions.Remove(session) : State.Sessions.Add(session),
            Members = after,
        };
    }

    private void CheckClaim(int participant, int session)
    {
        if (!rows.Partition(StartState.Participant(participant)).TryGetValue("participant", out var row))
            throw new ViolationException($"P{participant} is deleted and a member of S{session}.");
        if ((string?)row["SessionId"] != Ids.Session(session).ToString())
            throw new ViolationException($"P{participant} is a member of S{session} without a claim on it.");
    }
}
