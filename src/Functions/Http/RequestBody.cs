using System.Globalization;
using System.Net;
using System.Text.Json;
using Microsoft.Azure.Functions.Worker.Http;
using Sessions.Model;

namespace Sessions.Http;

/// <summary>Reads request bodies.</summary>
public static class RequestBody
{
    /// <summary>The largest body, in bytes.</summary>
    public const int MaxBytes = 64 * 1024;

    private const int UnannouncedBytes = 1024;

    /// <summary>
    /// Reads the body as JSON, whatever its content type says. The literal <c>null</c> is no body (the Ruby and PHP SDKs),
    /// and an empty array is an empty object (the PHP SDK).
    /// </summary>
    public static async Task<Input<T>> ReadJsonAsync<T>(
        this HttpRequestData request, Func<JsonField, T> read, CancellationToken cancellation)
    {
        ReadOnlyMemory<byte>? received;
        try
        {
            received = await ReadBytesAsync(request, cancellation);
        }
        catch (IOException)
        {
            return Refuse<T>("The body: expected all of it, and it ended too early.");
        }

        if (received is not { } bytes)
            return new(default, new(HttpStatusCode.RequestEntityTooLarge, Error: $"The body: expected at most {MaxBytes} bytes."));
        if (bytes.IsEmpty)
            return default;

        try
        {
            using var document = JsonDocument.Parse(bytes);
            var json = document.RootElement;
            return json.ValueKind == JsonValueKind.Null ? default : new(read(new(OrEmptyObject(json), "")), null);
        }
        catch (JsonException exception)
        {
            return Refuse<T>(exception.LineNumber is null ? exception.Message : string.Create(
                CultureInfo.InvariantCulture,
                $"The body: expected a JSON object, and it is not well-formed at line {exception.LineNumber + 1}, byte {exception.BytePositionInLine + 1}."));
        }
        catch (InvalidOperationException)
        {
            return Refuse<T>("The body: expected field names of valid Unicode characters.");
        }
    }

    private static Input<T> Refuse<T>(string error) => new(default, new(HttpStatusCode.BadRequest, Error: error));

    private static JsonElement OrEmptyObject(JsonElement json)
        => json.ValueKind == JsonValueKind.Array && json.GetArrayLength() == 0 ? JsonElement.Parse("{}") : json;

    /// <summary>The bytes, without a byte order mark; null when there are too many, of which no more than that are read.</summary>
    private static async Task<ReadOnlyMemory<byte>?> ReadBytesAsync(HttpRequestData request, CancellationToken cancellation)
    {
        request.Headers.TryGetValues("Content-Length", out var values);
        var isAnnounced = long.TryParse(values?.First(), NumberStyles.None, CultureInfo.InvariantCulture, out var announced);
        if (announced > MaxBytes)
            return null;

        // With room for one byte more than is expected: a full buffer then means that there is more.
        var body = new byte[(isAnnounced ? announced : UnannouncedBytes) + 1];
        var length = 0;
        int count;
        while ((count = await request.Body.ReadAsync(body.AsMemory(length), cancellation)) > 0)
        {
            length += count;
            if (length > MaxBytes)
                return null;
            if (length == body.Length)
                Array.Resize(ref body, Math.Min(2 * length, MaxBytes + 1));
        }

        var bytes = body.AsMemory(0, length);
        return bytes.Span.StartsWith("\uFEFF"u8) ? bytes[3..] : bytes;
    }
}
