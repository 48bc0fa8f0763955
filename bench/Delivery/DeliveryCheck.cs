using Sessions.Bench;
using Sessions.Model;

namespace Sessions.Delivery;

/// <summary>
/// Compares the changes that succeeded with the events that were accepted. Events are in order if each event was tried only after the
/// previous event of its session and of its participant had been accepted.
/// </summary>
internal sealed class DeliveryCheck
{
    private readonly List<(long Delay, int Tries)> _delivered = [];

    public DeliveryCheck(ChangeLoad load, IReadOnlyCollection<ReceivedEvent> events)
    {
        var accepted = events.Where(one => one.Accepted > 0).ToList();
        var created = accepted.Where(one => one.Type == EventTypes.SessionCreated).ToDictionary(one => one.Session!.Value);
        foreach (var (session, change) in load.Sessions)
            Compare([change], created.TryGetValue(session, out var one) ? [one] : []);

        var ofParticipants = accepted.Where(one => one.Participant is not null).ToLookup(one => one.Participant!.Value);
        foreach (var (participant, changes) in load.Participants)
            Compare(changes, [.. ofParticipants[participant].OrderBy(one => one.FirstTry)]);

        foreach (var ofSession in accepted.Where(one => one.Session is not null).GroupBy(one => one.Session!.Value))
            CountOutOfOrder([.. ofSession.OrderBy(one => one.Number)]);
    }

    /// <summary>How many changes have no event.</summary>
    public int Lost { get; private set; }

    /// <summary>How many events arrived before an earlier one of their session or participant, or are not the expected event.</summary>
    public int OutOfOrder { get; private set; }

    public Latencies? All => Delays(_ => true);

    public Latencies? FirstTry => Delays(tries => tries == 1);

    public Latencies? Retried => Delays(tries => tries > 1);

    private Latencies? Delays(Func<int, bool> hasTries)
    {
        long[] delays = [.. _delivered.Where(one => hasTries(one.Tries)).Select(one => one.Delay)];
        return delays.Length > 0 ? new(delays) : null;
    }

    private void Compare(List<Change> changes, IReadOnlyList<ReceivedEvent> events)
    {
        Lost += Math.Max(0, changes.Count - events.Count);
        CountOutOfOrder(events);
        foreach (var (change, one) in changes.Zip(events))
        {
            if ((change.Type, change.Session) == (one.Type, one.Session))
                _delivered.Add((one.AcceptedAt - change.Responded, one.TriesUntilAccepted));
            else
                OutOfOrder++;
        }
    }

    private void CountOutOfOrder(IReadOnlyList<ReceivedEvent> events)
        => OutOfOrder += events.Zip(events.Skip(1)).Count(pair => pair.Second.FirstTry < pair.First.Accepted);
}
