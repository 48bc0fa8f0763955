using System.Text.Json;
using System.Text.Json.Serialization;

namespace Sessions.Model;

/// <summary>A session as it is answered.</summary>
/// <param name="Id">The session's id: a lower-case UUID, made by the server.</param>
/// <param name="Tag">The caller's own label; left out when none was sent.</param>
/// <param name="ParticipantIds">The participants in it, in the order of joining. Bandwidth's own clients look for this name.</param>
public sealed record Session(
    string Id, string? Tag, [property: JsonPropertyName("participant_ids")] IReadOnlyList<string> ParticipantIds);

/// <summary>What a caller sends to create a session.</summary>
/// <param name="Tag">The caller's own label, at most <see cref="MaxTagLength"/> characters; null for none.</param>
public sealed record NewSession(string? Tag)
{
    /// <summary>The longest tag of a session or participant, in Unicode characters.</summary>
    public const int MaxTagLength = 50;

    /// <summary>What no body at all asks for.</summary>
    public static NewSession Default { get; } = new((string?)null);

    /// <summary>Reads a request body.</summary>
    /// <exception cref="JsonException">The body is not valid; the message names the field and what was expected.</exception>
    public static NewSession Read(JsonField body) => new(body.Field("tag")?.Text(MaxTagLength));
}
