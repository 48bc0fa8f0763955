using System.Collections.Concurrent;
using System.Text.Json;
using System.Text.RegularExpressions;
using Json.Schema;

namespace Sessions.Tests.Contract;

/// <summary>Validates JSON against the schemas in the OpenAPI document (JSON Schema 2020-12).</summary>
internal sealed partial class Schemas
{
    private static readonly Uri Base = new("https://sessions.invalid/openapi.json");
    private static readonly EvaluationOptions Quickly = new() { OutputFormat = OutputFormat.Flag, RequireFormatValidation = true };
    private static readonly EvaluationOptions Fully = new() { OutputFormat = OutputFormat.List, RequireFormatValidation = true };

    private readonly ConcurrentDictionary<string, JsonSchema> _schemas = new();
    private readonly Lock _building = new();
    private readonly BuildOptions _options = new() { SchemaRegistry = new() };

    public Schemas(JsonElement document) => _options.SchemaRegistry.Register(Base, new JsonElementBaseDocument(document, Base));

    /// <summary>Whether the value is valid for the schema at a place of the document.</summary>
    public bool IsValid(string pointer, JsonElement value) => Find(pointer).Evaluate(value, Quickly).IsValid;

    /// <summary>Why the value is not valid for the schema.</summary>
    public string Explain(string pointer, JsonElement value)
        => string.Join(' ', from result in Find(pointer).Evaluate(value, Fully).Details
                            from error in result.Errors ?? []
                            select $"{result.InstanceLocation} {error.Value} ({result.EvaluationPath})");

    /// <summary>The places of all schemas for which the value is valid.</summary>
    public IEnumerable<string> PlacesOf(string pointer, JsonElement value)
        => from result in Find(pointer).Evaluate(value, Fully).Details
           where result.IsValid
           select Items().Replace(Uri.UnescapeDataString(result.SchemaLocation.Fragment.TrimStart('#')), "/items");

    // JsonSchema.Net 8 appends the name of the array to the keyword, as in /properties/sessions/items/sessions.
    [GeneratedRegex("/items/[^/]*", RegexOptions.None, 10_000)]
    private static partial Regex Items();

    private JsonSchema Find(string pointer)
    {
        if (_schemas.TryGetValue(pointer, out var known))
            return known;

        lock (_building)
        {
            var reference = $"{Base}#{string.Join('/', pointer.Split('/').Select(Uri.EscapeDataString))}";
            return _schemas.GetOrAdd(
                pointer, _ => JsonSchema.FromText($$"""{"$schema":"https://json-schema.org/draft/2020-12/schema","$ref":"{{reference}}"}""", _options));
        }
    }
}
