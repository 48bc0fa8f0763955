using System.Text.Json;

namespace Sessions.Model;

/// <summary>
/// A value in a request body, and its path for error messages. If the value is not as a method expects, the method throws a
/// <see cref="JsonException"/> whose message has the path and the expectation.
/// </summary>
/// <param name="Value">The JSON value.</param>
/// <param name="Path">The path of the value, for example <c>participants[0].streamAliases</c>. It is empty for the body itself.</param>
public readonly record struct JsonField(JsonElement Value, string Path)
{
    /// <summary>
    /// The field <paramref name="name"/> of this object, or null if it is absent or <c>null</c>. Some clients send <c>null</c>.
    /// </summary>
    public JsonField? Field(string name)
    {
        if (Value.ValueKind != JsonValueKind.Object)
            throw Expected("an object");

        return Value.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null
            ? new(value, Path.Length == 0 ? name : $"{Path}.{name}")
            : null;
    }

    /// <summary>This string. It may have at most <paramref name="maxLength"/> Unicode characters.</summary>
    public string Text(int maxLength)
    {
        var text = Text();
        return text.Length <= maxLength || text.EnumerateRunes().Count() <= maxLength
            ? text
            : throw Expected($"at most {maxLength} characters");
    }

    /// <summary>This string.</summary>
    public string Text()
    {
        if (Value.ValueKind != JsonValueKind.String)
            throw Expected("a string");

        try
        {
            return Value.GetString()!;
        }
        catch (InvalidOperationException)
        {
            throw Expected("a string of valid Unicode characters");
        }
    }

    /// <summary>Returns the one of <paramref name="values"/> that equals this string, ignoring case.</summary>
    public string OneOf(params ReadOnlySpan<string> values)
    {
        var text = Value.ValueKind == JsonValueKind.String ? Text() : null;
        foreach (var value in values)
        {
            if (value.Equals(text, StringComparison.OrdinalIgnoreCase))
                return value;
        }

        throw Expected(string.Join(" or ", values!));
    }

    /// <summary>The items of this array, at most <paramref name="maxCount"/>.</summary>
    public IReadOnlyList<JsonField> Items(int maxCount)
    {
        if (Value.ValueKind != JsonValueKind.Array)
            throw Expected("an array");
        if (Value.GetArrayLength() > maxCount)
            throw Expected($"at most {maxCount} items");

        var path = Path;
        return [.. Value.EnumerateArray().Select((item, index) => new JsonField(item, $"{path}[{index}]"))];
    }

    /// <summary>Creates the error that this value is not <paramref name="what"/>.</summary>
    public JsonException Expected(string what) => new($"{(Path.Length == 0 ? "The body" : Path)}: expected {what}.");
}
