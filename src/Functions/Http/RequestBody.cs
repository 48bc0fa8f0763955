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

    private static Reply TooLarge => new(
        HttpStatusCode.RequestEntityTooLarge, Error: $"The body: expected at most {MaxBytes} bytes.");

    private static Reply LengthRequired => new(
        HttpStatusCode.LengthRequired, Error: "The body: expected a Content-Length header, and no Transfer-Encoding.");

    /// <summary>
    /// Reads the body as JSON, regardless of its content type. The literal <c>null</c> counts as no body (the Ruby and PHP SDKs send it),
    /// and an empty array as an empty object (the PHP SDK).
    /// </summary>
    public static async Task<Input<T>> ReadJsonAsync<T>(
        this HttpRequestData request, Func<JsonField, T> read, CancellationToken cancellation)
    {
        // A body that is sent in chunks never reaches the worker: the host forwards a body only if ContentLength > 0, but it forwards every
        // header (GrpcMessageConversionExtensions.ToRpcHttp in Azure/azure-functions-host, and its issue 7930). Such a request is refused,
        // because otherwise it would be executed as if it had no body. A request with neither header has no body (RFC 9112, section 6.3).
        // For example, curl -X PUT sends none.
        if (request.Headers.Contains("Transfer-Encoding"))
            return new(default, LengthRequired);

        var length = LengthOf(request);
        if (length > MaxBytes)
            return new(default, TooLarge);
        if (length == 0)
            return default;

        ReadOnlyMemory<byte> bytes;
        try
        {
            bytes = await ReadBytesAsync(request.Body, (int)length, cancellation);
        }
        catch (IOException)
        {
            return Refuse<T>("The body: expected all bytes of Content-Length, but it ended too early.");
        }

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
                $"The body: expected a JSON object, but the JSON is not well-formed at line {exception.LineNumber + 1}, byte {exception.BytePositionInLine + 1}."));
        }
        catch (InvalidOperationException)
        {
            return Refuse<T>("The body: expected field names of valid Unicode characters.");
        }
    }

    private static Input<T> Refuse<T>(string error) => new(default, new(HttpStatusCode.BadRequest, Error: error));

    private static JsonElement OrEmptyObject(JsonElement json)
        => json.ValueKind == JsonValueKind.Array && json.GetArrayLength() == 0 ? JsonElement.Parse("{}") : json;

    private static long LengthOf(HttpRequestData request)
    {
        request.Headers.TryGetValues("Content-Length", out var values);
        _ = long.TryParse(values?.First(), NumberStyles.None, CultureInfo.InvariantCulture, out var length);
        return length;
    }

    /// <summary>Reads at most <paramref name="length"/> bytes, and skips a byte order mark.</summary>
    private static async Task<ReadOnlyMemory<byte>> ReadBytesAsync(Stream body, int length, CancellationToken cancellation)
    {
        var bytes = new byte[length];
        var count = await body.ReadAtLeastAsync(bytes, length, throwOnEndOfStream: false, cancellation);
        var received = bytes.AsMemory(0, count);
        return received.Span.StartsWith("\uFEFF"u8) ? received[3..] : received;
    }
}
