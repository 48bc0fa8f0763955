using System.Globalization;
using Sessions.Model;

namespace Sessions.Storage;

/// <summary>A change of a session, or all of its changes.</summary>
/// <param name="SessionId">The session.</param>
/// <param name="Number">The number of the change's row in the session's outbox; <see cref="All"/> for a session that is gone.</param>
internal readonly record struct ChangeNumber(SessionId SessionId, long Number)
{
    public const long All = long.MaxValue;
}

/// <summary>
/// The changes of other sessions that come before a participant's next join: they took it out of the sessions that it was in. No
/// transaction spans two sessions, so the join's row in the outbox names them, and whoever tells of the join tells of them first.
/// </summary>
internal sealed record Predecessors(IReadOnlyList<ChangeNumber> Changes)
{
    // A claim that was never followed by a join has to be remembered with the one before it. A row is small: the last ones do.
    private const int MaxChanges = 8;

    public static Predecessors None { get; } = new([]);

    /// <summary>Reads the column, which has <c>{sessionId}:{number}</c> for each change, separated by commas.</summary>
    public static Predecessors Parse(string? stored) => string.IsNullOrEmpty(stored) ? None : new([.. stored.Split(',').Select(ParseChange)]);

    /// <summary>The column; null for none, which leaves the column as it is.</summary>
    public string? ToColumn()
        => Changes.Count == 0
            ? null
            : string.Join(',', Changes.Select(change => string.Create(CultureInfo.InvariantCulture, $"{change.SessionId}:{change.Number}")));

    /// <summary>These and a later one.</summary>
    public Predecessors With(ChangeNumber later)
        => new([.. Changes.Where(change => change.SessionId != later.SessionId).Append(later).TakeLast(MaxChanges)]);

    /// <summary>Those of other sessions: in one session, the numbers say what comes first.</summary>
    public Predecessors Except(SessionId sessionId) => new([.. Changes.Where(change => change.SessionId != sessionId)]);

    private static ChangeNumber ParseChange(string text)
        => text.Split(':') is [var id, var number] && SessionId.TryParse(id, out var sessionId)
            ? new(sessionId, long.Parse(number, CultureInfo.InvariantCulture))
            : throw new FormatException($"{text} is no number of a change.");
}
