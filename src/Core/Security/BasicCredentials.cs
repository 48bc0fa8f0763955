using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;

namespace Sessions.Security;

/// <summary>What an <c>Authorization: Basic</c> header carries (RFC 7617): UTF-8, and the user name ends at the first colon.</summary>
public sealed record BasicCredentials(string UserName, byte[] SecretHash)
{
    private const string Scheme = "Basic ";

    private static readonly UTF8Encoding Utf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>The SHA-256 of a secret's UTF-8, as it is stored.</summary>
    public static byte[] Hash(string secret) => SHA256.HashData(Utf8.GetBytes(secret));

    /// <summary>
    /// Decodes the header's value to user name, colon and secret, without allocating; false when it is no such header. There
    /// is one spelling for each such text: canonical base64 (RFC 4648, section 3.5), without blanks in it.
    /// </summary>
    /// <param name="authorization">The header's value.</param>
    /// <param name="buffer">Space for the text, of at least twice the length of the header's value.</param>
    /// <param name="text">The text, which is in the buffer.</param>
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

    /// <summary>Reads the decoded text; null when it has no colon or is not UTF-8.</summary>
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
