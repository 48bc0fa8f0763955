using System.Buffers;

namespace Sessions.Model;

/// <summary>The id of an account: 1 to 64 letters, digits, <c>-</c> and <c>_</c>.</summary>
public readonly record struct AccountId
{
    private const int MaxLength = 64;

    private static readonly SearchValues<char> Allowed =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_");

    private readonly string? _text;

    private AccountId(string text) => _text = text;

    /// <summary>Reads an id. Returns false if the text is not a valid account id.</summary>
    public static bool TryParse(string text, out AccountId id)
    {
        var isValid = text.Length is > 0 and <= MaxLength && !text.AsSpan().ContainsAnyExcept(Allowed);
        id = isValid ? new(text) : default;
        return isValid;
    }

    /// <summary>Reads an id from text that is known to be valid.</summary>
    /// <exception cref="FormatException">The text is not a valid account id.</exception>
    public static AccountId Parse(string text)
        => TryParse(text, out var id) ? id : throw new FormatException($"{text} is not an account id.");

    /// <summary>The id in the form used in paths and keys.</summary>
    public override string ToString() => _text ?? "";
}

/// <summary>The id of a session: a UUID.</summary>
public readonly record struct SessionId(Guid Value)
{
    /// <summary>Reads a UUID of 36 characters, in upper or lower case. Returns false for all other text.</summary>
    public static bool TryParse(string? text, out SessionId id)
    {
        var isValid = Uuid.TryParse(text, out var value);
        id = new(value);
        return isValid;
    }

    /// <summary>The id in lower case.</summary>
    public override string ToString() => Value.ToString();
}

/// <summary>The id of a participant: a UUID.</summary>
public readonly record struct ParticipantId(Guid Value)
{
    /// <summary>Reads a UUID of 36 characters, in upper or lower case. Returns false for all other text.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, out ParticipantId id)
    {
        var isValid = Uuid.TryParse(text, out var value);
        id = new(value);
        return isValid;
    }

    /// <summary>The id in lower case.</summary>
    public override string ToString() => Value.ToString();
}

/// <summary>The text form of a UUID (RFC 9562, section 4).</summary>
internal static class Uuid
{
    private static readonly SearchValues<char> Allowed = SearchValues.Create("0123456789abcdefABCDEF-");

    /// <summary>Reads 8-4-4-4-12 hexadecimal digits in any case.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, out Guid id)
    {
        // .NET also ignores white space around a UUID, and accepts "0x" and "+" as digits.
        id = default;
        return !text.ContainsAnyExcept(Allowed) && Guid.TryParseExact(text, "D", out id);
    }
}
