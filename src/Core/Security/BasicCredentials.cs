using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;

namespace Sessions.Security;

/// <summary>The credentials of an <c>Authorization: Basic</c> header (RFC 7617), in UTF-8. The user name ends at the first colon.</summary>
public sealed record BasicCredentials(string UserName, byte[] SecretHash)
{
    private const string Scheme = "Basic ";

    private static readonly UTF8Encoding Utf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>The SHA-256 of a secret's UTF-8, which is the stored form.</summary>
    public static byte[] Hash(string secret) => SHA256.HashData(Utf8.GetBytes(secret));

    /// <summary>
    /// Decodes the header's value to user name, colon and secret, without allocating. Returns false if it is not such a header. Only
    /// canonical base64 without blanks is accepted (RFC 4648, section 3.5), so each text has one encoding.
    /// </summary>
    /// <param name="authorization">The header's value.</param>
    /// <param name="buffer">Space for the text, at least twice as long as the header's value.</param>
    /// <param name="text">The text, as a part of the buffer.</param>
    internal static bool TryDecode(ReadOnlySpan<char> authorization, Span<byte> buffer, out ReadOnlySpan<byte> text)
    {
        text = default;
        if (!authorization.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase))
            return false;

        var token = authorization[Scheme.Length..].Trim(' ');
        if (!Convert.TryFromBase64Chars(token, buffer, out var length))
            return false;

        text = buffer[..length];
        Base64.EncodeToUtf8(text, buffer[length..], out _, out var canonicalLength);
        return Ascii.Equals(buffer.Slice(length, canonicalLength), token);
    }

    /// <summary>Reads the decoded text. Returns null if it has no colon or is not UTF-8.</summary>
    internal static BasicCredentials? Parse(ReadOnlySpan<byte> text)
    {
        var colon = text.IndexOf((byte)':');
        try
        {
            return colon < 0 ? null : new(Utf8.GetString(text[..colon]), SHA256.HashData(text[(colon + 1)..]));
        }
        catch (DecoderFallbackException)
        {
            return null;
        }
    }
}
