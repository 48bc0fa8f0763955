using System.Globalization;
using Sessions.Model;

namespace Sessions.Storage;

/// <summary>A change of a session, or all of its changes.</summary>
/// <param name="SessionId">The session.</param>
/// <param name="Number">
/// The number of the change's row in the session's outbox, or <see cref="All"/> for a session that no longer exists.
/// </param>
internal readonly record struct ChangeNumber(SessionId SessionId, long Number)
{
    public const long All = long.MaxValue;
}

/// <summary>
/// The changes that removed a participant from its previous sessions, and that precede its next join. No transaction spans two sessions, so
/// the join's row in the outbox names these changes. They must be logged before the join.
/// </summary>
internal sealed record Predecessors(IReadOnlyList<ChangeNumber> Changes)
{
    // Not every claim is followed by a join, so the changes of several claims are kept. Their number is limited to keep the row small.
    private const int MaxChanges = 8;

    public static Predecessors None { get; } = new([]);

    /// <summary>
    /// Reads the column. It has <c>{sessionId}:{number}</c> for each change, separated by commas, for example <c>3f2b…:7</c>.
    /// </summary>
    public static Predecessors Parse(string? stored) => string.IsNullOrEmpty(stored) ? None : new([.. stored.Split(',').Select(ParseChange)]);

    /// <summary>The value of the column, or null for no changes, which keeps the stored value.</summary>
    public string? ToColumn()
        => Changes.Count == 0
            ? null
            : string.Join(',', Changes.Select(change => string.Create(CultureInfo.InvariantCulture, $"{change.SessionId}:{change.Number}")));

    /// <summary>Returns these changes and a later one.</summary>
    public Predecessors With(ChangeNumber later)
        => new([.. Changes.Where(change => change.SessionId != later.SessionId).Append(later).TakeLast(MaxChanges)]);

    /// <summary>Returns the changes of all other sessions. Within one session, the numbers determine the order.</summary>
    public Predecessors Except(SessionId sessionId) => new([.. Changes.Where(change => change.SessionId != sessionId)]);

    private static ChangeNumber ParseChange(string text)
        => text.Split(':') is [var id, var number] && SessionId.TryParse(id, out var sessionId)
            ? new(sessionId, long.Parse(number, CultureInfo.InvariantCulture))
            : throw new FormatException($"{text} is not the number of a change.");
}
