using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text;

namespace Sessions.Security;

/// <summary>What an <c>Authorization: Basic</c> header carries (RFC 7617): UTF-8, and the user name ends at the first colon.</summary>
public sealed record BasicCredentials(string UserName, byte[] SecretHash)
{
    private static readonly UTF8Encoding Utf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>The SHA-256 of a secret's UTF-8, as it is stored.</summary>
    public static byte[] Hash(string secret) => SHA256.HashData(Utf8.GetBytes(secret));

    /// <summary>Reads the header's value; null when it is no such header.</summary>
    public static BasicCredentials? Parse(string authorization)
    {
        if (!AuthenticationHeaderValue.TryParse(authorization, out var header)
            || !"Basic".Equals(header.Scheme, StringComparison.OrdinalIgnoreCase)
            || header.Parameter is null)
        {
            return null;
        }

        var bytes = new byte[header.Parameter.Length];
        if (!Convert.TryFromBase64String(header.Parameter, bytes, out var length))
            return null;

        var text = bytes.AsSpan(0, length);
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
