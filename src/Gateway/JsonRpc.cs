using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Sessions.Gateway;

/// <summary>A request or notification of a device (JSON-RPC 2.0, section 4, https://www.jsonrpc.org/specification).</summary>
/// <param name="Method">The method.</param>
/// <param name="Params">The parameters, undefined if there are none.</param>
/// <param name="Id">The id in its original JSON form, or null for a notification, which gets no response.</param>
internal sealed record JsonRpcRequest(string Method, JsonElement Params, string? Id)
{
    /// <summary>
    /// Parses a message. Null if it is not a request. <paramref name="failure"/> is then the error response to send. It is null if the
    /// message is a response, because this end sends no requests.
    /// </summary>
    public static JsonRpcRequest? Read(ReadOnlySpan<byte> message, out ReadOnlyMemory<byte>? failure)
    {
        try
        {
            return Read(JsonElement.Parse(message), out failure);
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            // InvalidOperationException means that a string is not valid Unicode, which the parser does not check.
            failure = JsonRpcReply.Fail(JsonRpcReply.ParseError, "The message is not valid JSON.").Write("null");
            return null;
        }
    }

    /// <summary>Reads the parameters. False if they do not have the expected form.</summary>
    public bool TryRead<T>(JsonTypeInfo<T> type, [NotNullWhen(true)] out T? parameters)
    {
        try
        {
            parameters = Params.ValueKind == JsonValueKind.Object ? Params.Deserialize(type) : default;
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            parameters = default;
        }

        return parameters is not null;
    }

    private static JsonRpcRequest? Read(JsonElement root, out ReadOnlyMemory<byte>? failure)
    {
        failure = null;
        var isObject = root.ValueKind == JsonValueKind.Object;
        var id = isObject && root.TryGetProperty("id", out var given) ? given : default;
        var isIdValid = id.ValueKind is JsonValueKind.Undefined or JsonValueKind.Null or JsonValueKind.Number or JsonValueKind.String;
        var idText = id.ValueKind == JsonValueKind.Undefined ? null : isIdValid ? id.GetRawText() : "null";
        if (isObject && isIdValid && MethodOf(root) is { } method)
            return new(method, root.TryGetProperty("params", out var parameters) ? parameters : default, idText);

        if (!isObject || !(root.TryGetProperty("result", out _) || root.TryGetProperty("error", out _)))
            failure = JsonRpcReply.Fail(JsonRpcReply.InvalidRequest, "The message is not a JSON-RPC request.").Write(idText ?? "null");
        return null;
    }

    private static string? MethodOf(JsonElement root)
    {
        try
        {
            return root.TryGetProperty("method", out var method) && method.ValueKind == JsonValueKind.String ? method.GetString() : null;
        }
        catch (InvalidOperationException)
        {
            return null; // The method is not valid Unicode.
        }
    }
}

/// <summary>The outcome of a request (JSON-RPC 2.0, section 5), which is a result or an error.</summary>
internal sealed record JsonRpcReply
{
    public const int ParseError = -32700;
    public const int InvalidRequest = -32600;
    public const int MethodNotFound = -32601;
    public const int InvalidParams = -32602;
    public const int InternalError = -32603;

    /// <summary>A session description that cannot be used.</summary>
    public const int SdpRejected = -32000;

    /// <summary>The device has left, or its participant is gone.</summary>
    public const int Gone = -32001;

    private readonly ReadOnlyMemory<byte> _result;
    private readonly (int Code, string Message)? _error;

    private JsonRpcReply(ReadOnlyMemory<byte> result, (int Code, string Message)? error) => (_result, _error) = (result, error);

    /// <summary>An empty result, because clients reject a response without a result as malformed.</summary>
    public static JsonRpcReply Empty { get; } = new("{}"u8.ToArray(), null);

    public static JsonRpcReply Ok<T>(T result, JsonTypeInfo<T> type) => new(JsonSerializer.SerializeToUtf8Bytes(result, type), null);

    public static JsonRpcReply Fail(int code, string message) => new(default, (code, message));

    /// <summary>The response to the request with this id, which is JSON.</summary>
    public ReadOnlyMemory<byte> Write(string id) => Write(json =>
    {
        json.WritePropertyName("id");
        json.WriteRawValue(id, skipInputValidation: true);
        if (_error is not var (code, message))
        {
            json.WritePropertyName("result");
            json.WriteRawValue(_result.Span, skipInputValidation: true);
            return;
        }

        json.WriteStartObject("error");
        json.WriteNumber("code", code);
        json.WriteString("message", message);
        json.WriteEndObject();
    });

    /// <summary>A notification of the server.</summary>
    public static ReadOnlyMemory<byte> Notification<T>(string method, T parameters, JsonTypeInfo<T> type) => Write(json =>
    {
        json.WriteString("method", method);
        json.WritePropertyName("params");
        JsonSerializer.Serialize(json, parameters, type);
    });

    private static ReadOnlyMemory<byte> Write(Action<Utf8JsonWriter> content)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using var json = new Utf8JsonWriter(buffer);
        json.WriteStartObject();
        json.WriteString("jsonrpc", "2.0");
        content(json);
        json.WriteEndObject();
        json.Flush();
        return buffer.WrittenMemory;
    }
}
