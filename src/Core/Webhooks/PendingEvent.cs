using Sessions.Model;

namespace Sessions.Webhooks;

/// <summary>An event that is not delivered to a webhook yet.</summary>
/// <param name="position">Its position in the account's log.</param>
/// <param name="told">The event.</param>
internal sealed class PendingEvent(long position, SessionsEvent told)
{
    public long Position => position;

    public SessionsEvent Event => told;

    /// <summary>
    /// The event's session and participant. Events that share one of these keys are sent in sequence, in the order of the log.
    /// </summary>
    public IReadOnlyList<string> Keys { get; } =
        [.. new[] { told.Data.SessionId, told.Data.ParticipantId }.Where(id => id is not null).Select(id => id!)];

    /// <summary>The number of failed tries.</summary>
    public int Attempts { get; set; }

    /// <summary>
    /// The time of the first try, or the time since which the event waits for an earlier one. The event is given up three days after this
    /// time. If the waiting did not count, each waiting event of a session would get another three days.
    /// </summary>
    public DateTimeOffset? Since { get; set; }

    /// <summary>When the event may be tried, unless it waits for an earlier event.</summary>
    public DateTimeOffset Next { get; set; } = DateTimeOffset.MinValue;

    /// <summary>Why the last try failed.</summary>
    public string? Reason { get; set; }

    /// <summary>Whether the event has a row of its own, so that the cursor may pass it.</summary>
    public bool IsHeld { get; set; }

    /// <summary>Whether its row has to be rewritten.</summary>
    public bool IsChanged { get; set; }
}
