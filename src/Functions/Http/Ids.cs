namespace Sessions.Http;

/// <summary>Ids in paths.</summary>
internal static class Ids
{
    /// <summary>Reads a session's or participant's id: a UUID of 36 characters in any case. Anything else is the id of nothing.</summary>
    public static bool TryParse(string text, out Guid id) => Guid.TryParseExact(text, "D", out id);
}
