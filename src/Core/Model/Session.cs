using System.Text.Json;
using System.Text.Json.Serialization;

namespace Sessions.Model;

/// <summary>A session in a response.</summary>
/// <param name="Id">The session's id, a lower-case UUID that the server generates.</param>
/// <param name="Tag">The caller's label, absent if the caller sent none.</param>
/// <param name="ParticipantIds">
/// The ids of the session's participants, in the order of joining. Bandwidth's clients read a field of this name.
/// </param>
public sealed record Session(
    string Id, string? Tag, [property: JsonPropertyName("participant_ids")] IReadOnlyList<string> ParticipantIds);

/// <summary>The request body of createSession.</summary>
/// <param name="Tag">The caller's label of at most <see cref="MaxTagLength"/> characters, or null for none.</param>
public sealed record NewSession(string? Tag)
{
    /// <summary>The longest tag of a session or participant, in Unicode characters.</summary>
    public const int MaxTagLength = 50;

    /// <summary>The session that a request without a body creates.</summary>
    public static NewSession Default { get; } = new((string?)null);

    /// <summary>Reads a request body.</summary>
    /// <exception cref="JsonException">The body is not valid. The message names the field and the expected value.</exception>
    public static NewSession Read(JsonField body) => new(body.Field("tag")?.Text(MaxTagLength));
}
