using System.Globalization;
using System.Text.Json;
using System.Web;
using Sessions.Endpoints;

namespace Sessions.Tests.Contract;

/// <summary>The OpenAPI document as a contract, which checks requests and their responses.</summary>
internal sealed class OpenApiContract
{
    // Headers of the connection and the message, not of the API (RFC 9110, section 8, and RFC 9112).
    private static readonly HashSet<string> GeneralHeaders = new(StringComparer.OrdinalIgnoreCase)
    {
        "Connection", "Content-Length", "Content-Type", "Date", "Keep-Alive", "Server", "Transfer-Encoding",
    };

    private readonly (string[] Segments, Place Item)[] _paths;
    private readonly Schemas _schemas;

    private OpenApiContract(string json)
    {
        Json = json;
        Root = Place.RootOf(JsonElement.Parse(json));
        _schemas = new(Root.Value);
        _paths = [.. from path in Root["paths"].Members select (SegmentsOf(ServerOf(path.Place).TrimEnd('/') + path.Name), path.Place)];
    }

    public static OpenApiContract Instance { get; } = new(Read());

    /// <summary>The text of the document.</summary>
    public string Json { get; }

    public Place Root { get; }

    /// <summary>Every operation that a client may call.</summary>
    public IEnumerable<Operation> Operations
        => from path in _paths
           from member in path.Item.Members
           where member.Place.Find("operationId") is not null
           select new Operation(member.Place["operationId"].Value.GetString()!, path.Item, member.Place);

    /// <summary>Compares an exchange with the document. Returns the differences, and adds the parts that occur to the log.</summary>
    public IReadOnlyList<string> Check(Exchange exchange, ContractLog? log)
    {
        var segments = SegmentsOf(exchange.Url.AbsolutePath);
        var path = Array.Find(_paths, path => Matches(path.Segments, segments));
        if (path.Segments is null)
            return CheckOutside(exchange, 404, "noSuchPath");
        if (path.Item.Find(exchange.Method is "HEAD" ? "get" : exchange.Method.ToLowerInvariant()) is not { } place)
            return CheckOutside(exchange, 405, "methodNotAllowed");

        var operation = new Operation(place["operationId"].Value.GetString()!, path.Item, place);
        if (operation.FindResponse((int)exchange.Status) is not { } response)
            return [$"{operation.Id} does not document the status {(int)exchange.Status}."];

        List<string> problems = [.. CheckResponse(exchange, response, operation.Id, log)];
        if (exchange.IsSuccess)
            problems.AddRange(CheckRequest(exchange, operation, ValuesIn(path.Segments, segments), log));
        log?.Add(operation, exchange);
        return problems;
    }

    /// <summary>The error of a JSON value for the schema at a place, or null if there is none.</summary>
    public string? CheckValue(Place schema, JsonElement value) => _schemas.IsValid(schema.Pointer, value) ? null : _schemas.Explain(schema.Pointer, value);

    private IReadOnlyList<string> CheckOutside(Exchange exchange, int status, string response)
        => (int)exchange.Status == status
            ? [.. CheckResponse(exchange, Root["components", "responses", response], response, null)]
            : [$"No operation is documented here, and the status is {(int)exchange.Status} instead of {status}."];

    private IEnumerable<string> CheckResponse(Exchange exchange, Place response, string operation, ContractLog? log)
    {
        var documented = response.Find("headers")?.Members.ToDictionary(header => header.Name, header => header.Place, StringComparer.OrdinalIgnoreCase) ?? [];
        foreach (var (name, header) in documented)
        {
            if (!exchange.Headers.TryGetValue(name, out var text))
            {
                if (header.Find("required")?.Value.GetBoolean() == true)
                    yield return $"The header {name} is missing.";
                continue;
            }

            log?.Add($"{operation} {(int)exchange.Status} header {name}");
            if (CheckText(header["schema"], text) is { } problem)
                yield return $"The header {name}: {problem}";
        }

        foreach (var name in exchange.Headers.Keys.Where(name => !documented.ContainsKey(name) && !GeneralHeaders.Contains(name)))
            yield return $"The header {name} is not documented.";

        if (CheckBody(exchange, response, log) is { } badBody)
            yield return badBody;
    }

    private string? CheckBody(Exchange exchange, Place response, ContractLog? log)
    {
        exchange.Headers.TryGetValue("Content-Type", out var type);
        if (response.Find("content") is not { } content)
            return exchange.Body.Length > 0 || type is not null ? "A body is not documented." : null;
        if (type is null || content.Find(type) is not { } media)
            return $"The content type {type} is not documented.";
        if (exchange.Method == "HEAD")
            return exchange.Body.Length > 0 ? "The response to HEAD has a body." : null;

        var json = JsonElement.Parse(exchange.Body);
        log?.AddRange(_schemas.PlacesOf(SchemaOf(media), json));
        return _schemas.IsValid(SchemaOf(media), json) ? null : $"The body: {_schemas.Explain(SchemaOf(media), json)}";
    }

    private IEnumerable<string> CheckRequest(
        Exchange exchange, Operation operation, IReadOnlyList<(string Name, string Text)> pathValues, ContractLog? log)
    {
        var query = HttpUtility.ParseQueryString(exchange.Url.Query);
        foreach (var parameter in operation.Parameters)
        {
            var name = parameter["name"].Value.GetString()!;
            var text = parameter["in"].Value.GetString() switch
            {
                "path" => pathValues.Single(value => value.Name == name).Text,
                "query" => query[name],
                _ => exchange.RequestHeaders.GetValueOrDefault(name),
            };
            if (text is null)
                continue;

            log?.Add($"{operation.Id} parameter {name}");
            if (CheckText(parameter["schema"], text) is { } problem)
                yield return $"The parameter {name}: {problem}";
        }

        if (operation.RequestBody is { } body && BodyOf(exchange) is { } json)
        {
            log?.AddRange(_schemas.PlacesOf(SchemaOf(body), json));
            if (!_schemas.IsValid(SchemaOf(body), json))
                yield return $"The body of the request: {_schemas.Explain(SchemaOf(body), json)}";
        }
    }

    /// <summary>The body of a request in the form of the document. No body is null, and an empty array is an empty object.</summary>
    private static JsonElement? BodyOf(Exchange exchange)
    {
        var text = exchange.RequestBody.TrimStart('\uFEFF');
        if (text.Length == 0)
            return null;

        var json = JsonElement.Parse(text);
        return json.ValueKind switch
        {
            JsonValueKind.Null => null,
            JsonValueKind.Array when json.GetArrayLength() == 0 => JsonElement.Parse("{}"),
            _ => json,
        };
    }

    /// <summary>Checks a header or parameter, which is text, or a number if the schema requires one.</summary>
    private string? CheckText(Place schema, string text)
    {
        var isNumber = schema.Find("type")?.Value.ValueEquals("integer") == true && long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out _);
        var value = isNumber ? JsonElement.Parse(text) : JsonSerializer.SerializeToElement(text);
        return CheckValue(schema, value) is { } problem ? $"{text} {problem}" : null;
    }

    private static string SchemaOf(Place media) => media["schema"].Pointer;

    private string ServerOf(Place item) => (item.Find("servers") ?? Root["servers"]).Items.Single()["url"].Value.GetString()!;

    private static string[] SegmentsOf(string path)
        => (path.EndsWith('/') ? path[..^1] : path).TrimStart('/').Split('/');

    private static bool Matches(string[] template, string[] segments)
        => template.Length == segments.Length && template.Zip(segments).All(pair => pair.First.StartsWith('{')
            ? pair.Second.Length > 0
            : pair.First.Equals(pair.Second, StringComparison.OrdinalIgnoreCase));

    private static List<(string, string)> ValuesIn(string[] template, string[] segments)
        => [.. template.Zip(segments).Where(pair => pair.First.StartsWith('{')).Select(pair => (pair.First[1..^1], Uri.UnescapeDataString(pair.Second)))];

    private static string Read()
    {
        using var reader = new StreamReader(typeof(GetOpenApi).Assembly.GetManifestResourceStream("openapi.json")!);
        return reader.ReadToEnd();
    }
}

/// <summary>An operation of the document.</summary>
internal sealed record Operation(string Id, Place Path, Place Place)
{
    public IEnumerable<Place> Parameters => (Path.Find("parameters")?.Items ?? []).Concat(Place.Find("parameters")?.Items ?? []);

    public IEnumerable<(string Status, Place Response)> Responses => Place["responses"].Members;

    public Place? RequestBody => Place.Find("requestBody")?["content", "application/json"];

    public Place? FindResponse(int status) => Place["responses"].Find(status.ToString(CultureInfo.InvariantCulture));
}
