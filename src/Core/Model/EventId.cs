using System.Globalization;

namespace Sessions.Model;

/// <summary>
/// The id of an event: <c>evt_{id of the session or participant}_{number}</c>. The second and later events of one change also end with
/// <c>_{index}</c>. For example, a change has the events <c>evt_…_7</c> and <c>evt_…_7_1</c>.
/// </summary>
/// <param name="Source">The session or participant whose outbox has the event.</param>
/// <param name="Number">The number of the change.</param>
/// <param name="Index">The index of the event among those of the change, from 0.</param>
internal readonly record struct EventId(Guid Source, long Number, int Index)
{
    private const string Prefix = "evt";

    /// <summary>Reads an id. Only the exact form that <see cref="ToString"/> writes is accepted.</summary>
    public static bool TryParse(string text, out EventId id)
    {
        id = default;
        if (text.Split('_') is not [Prefix, var source, var number, .. var rest] || rest.Length > 1)
            return false;

        var index = 0;
        var isRead = Guid.TryParseExact(source, "N", out var guid)
            & long.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out var change)
            && (rest.Length == 0 || int.TryParse(rest[0], NumberStyles.None, CultureInfo.InvariantCulture, out index));
        id = new(guid, change, index);
        return isRead && id.ToString() == text;
    }

    /// <inheritdoc />
    public override string ToString()
        => string.Create(CultureInfo.InvariantCulture, $"{Prefix}_{Source:N}_{Number}{(Index == 0 ? "" : $"_{Index}")}");
}
