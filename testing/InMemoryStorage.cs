using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Web;
using Azure;
using Azure.Core;
using Azure.Core.Pipeline;
using Azure.Data.Tables;

namespace Sessions.Testing;

/// <summary>
/// Storage that responds from memory, synchronously on the caller's thread. A read of a row returns the response of Azurite 3.35 for the
/// payload format and the columns that the client requests. Every write succeeds and changes nothing.
/// </summary>
internal sealed class InMemoryStorage : HttpPipelineTransport
{
    private const string NoMetadata = "application/json;odata=nometadata";

    // The same in each response, as a client receives them from the network.
    private static readonly HttpHeader[] Headers =
    [
        new("Server", "Azurite-Table/3.35.0"),
        new("x-ms-request-id", "d0041b76-2868-436a-9704-f4cd6e86b70e"),
        new("x-ms-version", "2025-11-05"),
        new("Date", "Mon, 23 Nov 2026 18:53:38 GMT"),
        new("Connection", "keep-alive"),
        new("Keep-Alive", "timeout=5"),
    ];

    private readonly Dictionary<string, TableEntity> _rows = [];

    // Each response to a read is built once, so that later reads only look it up.
    private readonly ConcurrentDictionary<(string Url, string Format), (int Status, HttpHeader[] Headers, byte[] Json)> _reads = new();
    private readonly HttpHeader[] _written = [.. Headers, new("Content-Type", NoMetadata), new("ETag", ETagOf(DateTimeOffset.UtcNow))];

    /// <summary>Stores a row. To be called before the first read.</summary>
    public void Add(string table, TableEntity row)
    {
        row.Timestamp = DateTimeOffset.UtcNow;
        foreach (var (name, _) in row.Where(column => column.Value is null).ToArray())
            row.Remove(name);
        _rows.Add($"{table}(PartitionKey='{Uri.EscapeDataString(row.PartitionKey)}',RowKey='{Uri.EscapeDataString(row.RowKey)}')", row);
    }

    public override Request CreateRequest() => HttpClientTransport.Shared.CreateRequest();

    public override void Process(HttpMessage message) => throw new NotSupportedException("Everything is asynchronous.");

    public override async ValueTask ProcessAsync(HttpMessage message)
    {
        var request = message.Request;
        if (request.Content is not null)
            await request.Content.WriteToAsync(Stream.Null, message.CancellationToken);

        if (request.Method != RequestMethod.Get)
        {
            message.Response = new InMemoryResponse(204, _written, []);
            return;
        }

        _ = request.Headers.TryGetValue("Accept", out var accept);
        var (status, headers, json) = _reads.GetOrAdd((request.Uri.ToUri().AbsoluteUri, accept ?? ""), static (asked, rows) => Read(asked, rows), _rows);
        message.Response = new InMemoryResponse(status, headers, json);
    }

    private static (int Status, HttpHeader[] Headers, byte[] Json) Read((string Url, string Accept) asked, Dictionary<string, TableEntity> rows)
    {
        var url = new Uri(asked.Url);
        var query = HttpUtility.ParseQueryString(url.Query);
        var format = query["$format"] ?? asked.Accept; // Azurite uses the same order.
        var key = url.Segments[^1];
        if (!rows.TryGetValue(key, out var row))
        {
            return (
                404,
                [.. Headers, new("Content-Type", format), new("x-ms-error-code", "ResourceNotFound")],
                """{"odata.error":{"code":"ResourceNotFound","message":{"lang":"en-US","value":"The specified resource does not exist."}}}"""u8.ToArray());
        }

        var etag = ETagOf(row.Timestamp!.Value);
        using var json = new MemoryStream();
        using (var writer = new Utf8JsonWriter(json, new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            var withTypes = format != NoMetadata;
            writer.WriteStartObject();
            if (withTypes)
            {
                writer.WriteString("odata.metadata", new Uri(url, $"$metadata#{key[..key.IndexOf('(')]}/@Element").AbsoluteUri);
                writer.WriteString("odata.etag", etag);
            }

            var columns = query["$select"]?.Split(',');
            foreach (var name in row.Keys.Where(name => name != "odata.etag" && (columns is null || columns.Contains(name))))
                Write(writer, name, row[name], withTypes && name != "Timestamp");
            writer.WriteEndObject();
        }

        return (200, [.. Headers, new("Content-Type", format), new("ETag", etag)], json.ToArray());
    }

    private static void Write(Utf8JsonWriter writer, string name, object value, bool withType)
    {
        var (type, text) = value switch
        {
            string it => (null, it),
            long it => ("Edm.Int64", it.ToString(CultureInfo.InvariantCulture)),
            byte[] it => ("Edm.Binary", Convert.ToBase64String(it)),
            DateTimeOffset it => ("Edm.DateTime", Time(it)),
            _ => throw new NotSupportedException($"A column of {value?.GetType()}."),
        };
        if (withType && type is not null)
            writer.WriteString($"{name}@odata.type", type);
        writer.WriteString(name, text);
    }

    private static string Time(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fffffff'Z'", CultureInfo.InvariantCulture);

    private static string ETagOf(DateTimeOffset time) => $"W/\"datetime'{Uri.EscapeDataString(Time(time))}'\"";

    private sealed class InMemoryResponse(int status, HttpHeader[] headers, byte[] json) : Response
    {
        public override int Status => status;

        public override string ReasonPhrase => "";

        public override Stream? ContentStream { get; set; } = json.Length == 0 ? null : new NetworkStream(json);

        public override string ClientRequestId { get; set; } = "";

        public override void Dispose() => ContentStream?.Dispose();

        protected override bool ContainsHeader(string name) => TryGetHeader(name, out _);

        protected override IEnumerable<HttpHeader> EnumerateHeaders() => headers;

        protected override bool TryGetHeader(string name, [NotNullWhen(true)] out string? value)
        {
            foreach (var header in headers)
            {
                if (header.Name.Equals(name, StringComparison.OrdinalIgnoreCase))
                {
                    value = header.Value;
                    return true;
                }
            }

            value = null;
            return false;
        }

        protected override bool TryGetHeaderValues(string name, [NotNullWhen(true)] out IEnumerable<string>? values)
        {
            values = TryGetHeader(name, out var value) ? [value] : null;
            return values is not null;
        }
    }

    /// <summary>A stream that cannot be rewound, so that the client buffers the response like one from the network.</summary>
    private sealed class NetworkStream(byte[] bytes) : MemoryStream(bytes, writable: false)
    {
        public override bool CanSeek => false;
    }
}
