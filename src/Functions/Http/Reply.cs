using System.Net;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Sessions.Storage;

namespace Sessions.Http;

/// <summary>The result of an operation: a status with JSON, with an error text, or without a body.</summary>
/// <param name="Status">The HTTP status.</param>
/// <param name="Json">The body of a success, in UTF-8.</param>
/// <param name="Error">The text of an error.</param>
/// <param name="Header">An additional header.</param>
public sealed record Reply(
    HttpStatusCode Status, ReadOnlyMemory<byte> Json = default, string? Error = null, (string Name, string Value)? Header = null)
{
    /// <summary>Further headers, in addition to <see cref="Header"/>.</summary>
    public IReadOnlyList<(string Name, string Value)> MoreHeaders { get; init; } = [];

    /// <summary>204.</summary>
    public static Reply NoContent { get; } = new(HttpStatusCode.NoContent);

    /// <summary>404 for a session.</summary>
    public static Reply NoSession => NotFound("There is no session with this id.");

    /// <summary>404 for a participant.</summary>
    public static Reply NoParticipant => NotFound("There is no participant with this id.");

    /// <summary>404 for a membership.</summary>
    public static Reply NotAMember => NotFound("There is no participant with this id in this session.");

    /// <summary>200 with a JSON body.</summary>
    public static Reply Ok<T>(T value, JsonTypeInfo<T> type) => new(HttpStatusCode.OK, JsonSerializer.SerializeToUtf8Bytes(value, type));

    /// <summary>400.</summary>
    public static Reply BadRequest(string error) => new(HttpStatusCode.BadRequest, Error: error);

    /// <summary>404.</summary>
    public static Reply NotFound(string error) => new(HttpStatusCode.NotFound, Error: error);

    /// <summary>Returns the reply to a change. On success it has no body.</summary>
    public static Reply From(Outcome outcome) => outcome switch
    {
        Outcome.Done => NoContent,
        Outcome.NoSession => NoSession,
        Outcome.NoParticipant => NoParticipant,
        Outcome.NotAMember => NotAMember,
        Outcome.InAnotherSession => Conflict("The participant is in another session. Remove it from that session first."),
        Outcome.SessionFull => Conflict("The session is full."),
        Outcome.PreconditionFailed => new(HttpStatusCode.PreconditionFailed, Error: "If-Match: the resource is in another state than the header names."),
        Outcome.IdempotencyKeyReused => new(HttpStatusCode.UnprocessableEntity, Error: "Idempotency-Key: the key was already used with another body."),
        Outcome.IdempotentResourceGone => Conflict("Idempotency-Key: the resource that was created with this key was deleted or has expired."),
        _ => throw new ArgumentOutOfRangeException(nameof(outcome)),
    };

    private static Reply Conflict(string error) => new(HttpStatusCode.Conflict, Error: error);
}
