using Sessions.Model;

namespace Sessions.Webhooks;

/// <summary>An event that a webhook has to get yet.</summary>
/// <param name="position">Its position in the account's log.</param>
/// <param name="told">The event.</param>
internal sealed class PendingEvent(long position, SessionsEvent told)
{
    public long Position => position;

    public SessionsEvent Event => told;

    /// <summary>Events that share one of these are sent one after the other, in the order of the log.</summary>
    public IReadOnlyList<string> Keys { get; } =
        [.. new[] { told.Data.SessionId, told.Data.ParticipantId }.Where(id => id is not null).Select(id => id!)];

    /// <summary>How many tries have failed.</summary>
    public int Attempts { get; set; }

    /// <summary>
    /// Since when it is tried, or waits for an earlier one. From then on it has three days: were it from the first try on, the events
    /// of a session would each have their days after those of the one before.
    /// </summary>
    public DateTimeOffset? Since { get; set; }

    /// <summary>When it may be tried, unless an earlier event is in its way.</summary>
    public DateTimeOffset Next { get; set; } = DateTimeOffset.MinValue;

    /// <summary>Why the last try failed.</summary>
    public string? Reason { get; set; }

    /// <summary>Whether it has a row of its own, so that the cursor may pass it.</summary>
    public bool IsHeld { get; set; }

    /// <summary>Whether its row does not say yet what is here.</summary>
    public bool IsChanged { get; set; }
}
