using System.Net;
using System.Text.Json.Serialization.Metadata;
using Microsoft.Azure.Functions.Worker.Http;
using Sessions.Model;

namespace Sessions.Http;

/// <summary>The request headers that make a request conditional (RFC 9110, section 13) or repeatable.</summary>
public static class ConditionalRequests
{
    private const int MaxIdempotencyKeyLength = 255;

    /// <summary>Returns 200 with the resource, or 304 if <c>If-None-Match</c> names its current state.</summary>
    public static Reply OkOrNotModified<T>(this HttpRequestData request, Versioned<T> resource, JsonTypeInfo<T> type)
    {
        var etag = $"\"{resource.EntityTag}\"";
        var isKnown = request.EntityTags("If-None-Match") is { } known
            && (IsAnyState(known) || known.Any(tag => WithoutWeakness(tag) == etag));
        var reply = isKnown
            ? new(HttpStatusCode.NotModified)
            : Reply.Ok(resource.Value, type);
        return reply with { Header = ("ETag", etag) };
    }

    /// <summary>Reads the <c>If-Match</c> header. Weak tags, and text that is not an entity tag, match nothing.</summary>
    public static Precondition IfMatch(this HttpRequestData request) => request.EntityTags("If-Match") switch
    {
        null => Precondition.None,
        var tags when IsAnyState(tags) => Precondition.AnyState,
        var tags => Precondition.OneOf([.. tags.Select(Opaque).OfType<string>()]),
    };

    /// <summary>Reads the <c>Idempotency-Key</c> header: 1 to 255 visible ASCII characters.</summary>
    public static Input<string> IdempotencyKey(this HttpRequestData request)
    {
        if (!request.Headers.TryGetValues("Idempotency-Key", out var values))
            return default;

        var key = string.Join(',', values);
        return key.Length is > 0 and <= MaxIdempotencyKeyLength && key.All(character => character is > ' ' and <= '~')
            ? new(key, null)
            : new(null, new(HttpStatusCode.BadRequest, Error: $"Idempotency-Key: expected 1 to {MaxIdempotencyKeyLength} visible ASCII characters."));
    }

    // No entity tag of this API contains a comma.
    private static string[]? EntityTags(this HttpRequestData request, string header)
        => request.Headers.TryGetValues(header, out var values)
            ? [.. values.SelectMany(value => value.Split(',', StringSplitOptions.TrimEntries))]
            : null;

    /// <summary>Whether the header is the wildcard, a single star without quotes. A quoted star is an ordinary tag.</summary>
    private static bool IsAnyState(string[] tags) => tags is ["*"];

    private static string WithoutWeakness(string etag) => etag.StartsWith("W/", StringComparison.Ordinal) ? etag[2..] : etag;

    private static string? Opaque(string etag) => etag is ['"', .. var opaque, '"'] ? opaque : null;
}
