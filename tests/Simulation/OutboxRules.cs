using System.Collections.Immutable;
using Sessions.Model;
using Sessions.Storage;

namespace Sessions.Tests.Simulation;

/// <summary>
/// An event exists if and only if its change does. Both are in one transaction, and the events are numbered without gaps.
/// </summary>
internal static class OutboxRules
{
    /// <summary>Compares the events that a write has added with the rows that it has changed.</summary>
    /// <exception cref="ViolationException">The events do not match the changes.</exception>
    public static void Check(
        TableCall call, ImmutableSortedDictionary<string, SimulatedRow> before, ImmutableSortedDictionary<string, SimulatedRow> after)
    {
        if (Keys.IsIndex(call.PartitionKey))
            return;

        var row = after.Values.FirstOrDefault(row => Keys.IsEvent(row.RowKey) && !before.ContainsKey(row.RowKey));
        var written = row is null ? null : EventRow.From(row.ToEntity());
        var expected = (call.Table == "sessions" ? OfSession(before, after) : OfParticipant(before, after)).Order().ToArray();
        var events = (written?.Events ?? []).Select(stored => TextOf(stored.Type!, stored.ParticipantId)).Order().ToArray();
        if (!expected.SequenceEqual(events))
            throw new ViolationException($"A change of {call.PartitionKey} has the events {string.Join(", ", events)}, and not {string.Join(", ", expected)}.");
        if (written is null)
            return;

        var last = before.GetValueOrDefault(Keys.Header)?["Events"] as long? ?? (call.Table == "sessions" ? 0 : -1);
        if (written.Number != last + 1 || (after.GetValueOrDefault(Keys.Header)?["Events"] is long stored && stored != written.Number))
            throw new ViolationException($"An event of {call.PartitionKey} has the number {written.Number} behind {last}.");
    }

    private static IEnumerable<string> OfSession(
        ImmutableSortedDictionary<string, SimulatedRow> before, ImmutableSortedDictionary<string, SimulatedRow> after)
    {
        var (was, isNow) = (before.GetValueOrDefault(Keys.Header), after.GetValueOrDefault(Keys.Header));
        ImmutableHashSet<int> none = [];
        foreach (var participant in (was?.Members ?? none).Except(isNow?.Members ?? none))
            yield return TextOf(EventTypes.ParticipantLeft, Ids.Participant(participant).Value);
        foreach (var participant in (isNow?.Members ?? none).Except(was?.Members ?? none))
            yield return TextOf(EventTypes.ParticipantJoined, Ids.Participant(participant).Value);
        if (was is null && isNow is not null)
            yield return TextOf(EventTypes.SessionCreated, null);
        if (was is not null && isNow is null)
            yield return TextOf("the session's end", null);
    }

    private static IEnumerable<string> OfParticipant(
        ImmutableSortedDictionary<string, SimulatedRow> before, ImmutableSortedDictionary<string, SimulatedRow> after)
        => !before.ContainsKey(Keys.Participant) && after.ContainsKey(Keys.Participant) ? [TextOf(EventTypes.ParticipantCreated, null)] : [];

    private static string TextOf(string type, Guid? participant)
        => $"{(type is EventTypes.SessionDeleted or EventTypes.SessionEnded ? "the session's end" : type)} {participant}";
}
