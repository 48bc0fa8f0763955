using System.Net;
using System.Text.Json.Serialization.Metadata;
using Microsoft.Azure.Functions.Worker.Http;
using Sessions.Model;

namespace Sessions.Http;

/// <summary>The request headers that make a request conditional (RFC 9110, section 13) or repeatable.</summary>
public static class ConditionalRequests
{
    private const int MaxIdempotencyKeyLength = 255;

    /// <summary>200 with the resource, or 304 when <c>If-None-Match</c> names the state that it is in.</summary>
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

    /// <summary>The <c>If-Match</c> header. Weak tags match nothing, and neither does text that is not an entity tag.</summary>
    public static Precondition IfMatch(this HttpRequestData request) => request.EntityTags("If-Match") switch
    {
        null => Precondition.None,
        var tags when IsAnyState(tags) => Precondition.AnyState,
        var tags => Precondition.OneOf([.. tags.Select(Opaque).OfType<string>()]),
    };

    /// <summary>The <c>Idempotency-Key</c> header: 1 to 255 visible ASCII characters.</summary>
    public static Input<string> IdempotencyKey(this HttpRequestData request)
    {
        if (!request.Headers.TryGetValues("Idempotency-Key", out var values))
            return default;

        var key = string.Join(',', values);
        return key.Length is > 0 and <= MaxIdempotencyKeyLength && key.All(character => character is > ' ' and <= '~')
            ? new(key, null)
            : new(null, new(HttpStatusCode.BadRequest, Error: $"Idempotency-Key: expected 1 to {MaxIdempotencyKeyLength} visible ASCII characters."));
    }

    // No tag of this API has a comma in it.
    private static string[]? EntityTags(this HttpRequestData request, string header)
        => request.Headers.TryGetValues(header, out var values)
            ? [.. values.SelectMany(value => value.Split(',', StringSplitOptions.TrimEntries))]
            : null;

    /// <summary>The wildcard is a star without quotes and stands alone; a quoted star is a tag like any other.</summary>
    private static bool IsAnyState(string[] tags) => tags is ["*"];

    private static string WithoutWeakness(string etag) => etag.StartsWith("W/", StringComparison.Ordinal) ? etag[2..] : etag;

    private static string? Opaque(string etag) => etag is ['"', .. var opaque, '"'] ? opaque : null;
}
