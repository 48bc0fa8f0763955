using System.Text.Json;

namespace Sessions.Tests.Contract;

/// <summary>A place in the OpenAPI document.</summary>
/// <param name="Document">The document.</param>
/// <param name="Value">The JSON at the place, after references are resolved.</param>
/// <param name="Pointer">The JSON Pointer of the place (RFC 6901).</param>
internal readonly record struct Place(JsonElement Document, JsonElement Value, string Pointer)
{
    public static Place RootOf(JsonElement document) => new(document, document, "");

    /// <summary>The members of this object.</summary>
    public IEnumerable<(string Name, Place Place)> Members
    {
        get
        {
            var place = this;
            return Value.EnumerateObject().Select(member => (member.Name, place.Step(member.Name, member.Value)));
        }
    }

    /// <summary>The items of this array.</summary>
    public IEnumerable<Place> Items
    {
        get
        {
            var place = this;
            return Value.EnumerateArray().Select((item, index) => place.Step($"{index}", item));
        }
    }

    /// <summary>The member with this name, or null if this is not an object or has no such member.</summary>
    public Place? Find(string name)
        => Value.ValueKind == JsonValueKind.Object && Value.TryGetProperty(name, out var value) ? Step(name, value) : null;

    /// <summary>The member at the end of a path that must exist.</summary>
    public Place this[params ReadOnlySpan<string> names]
    {
        get
        {
            var place = this;
            foreach (var name in names)
                place = place.Find(name) ?? throw new KeyNotFoundException($"The document has no {name} at {place.Pointer}.");
            return place;
        }
    }

    private Place Step(string name, JsonElement value)
    {
        if (value.ValueKind == JsonValueKind.Object && value.TryGetProperty("$ref", out var reference))
            return Resolve(reference.GetString()!);

        return new(Document, value, $"{Pointer}/{name.Replace("~", "~0", StringComparison.Ordinal).Replace("/", "~1", StringComparison.Ordinal)}");
    }

    private Place Resolve(string reference) => RootOf(Document)[reference.Split('/').AsSpan(1)];
}
