using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Sessions.Webhooks;

/// <summary>The secrets with which messages are signed, as Standard Webhooks specifies.</summary>
public static class WebhookSecret
{
    private const string Prefix = "whsec_";
    private const int Bytes = 32;

    /// <summary>Creates a secret: <c>whsec_</c> and 32 random bytes in base64.</summary>
    public static string Create() => Prefix + Convert.ToBase64String(RandomNumberGenerator.GetBytes(Bytes));

    /// <summary>
    /// Creates the value of <c>webhook-signature</c>. For each secret it has <c>v1,</c> and the base64 of the HMAC-SHA256 over
    /// <c>id.timestamp.body</c>, separated by spaces.
    /// </summary>
    /// <param name="secrets">The secrets. A receiver can verify the message with any one of them.</param>
    /// <param name="id">The value of <c>webhook-id</c>.</param>
    /// <param name="timestamp">The value of <c>webhook-timestamp</c>, in seconds since 1970.</param>
    /// <param name="body">The body.</param>
    public static string Sign(IEnumerable<string> secrets, string id, long timestamp, ReadOnlySpan<byte> body)
    {
        var start = Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{id}.{timestamp}."));
        byte[] signed = [.. start, .. body];
        return string.Join(' ', secrets.Select(secret => $"v1,{Convert.ToBase64String(HMACSHA256.HashData(KeyOf(secret), signed))}"));
    }

    private static byte[] KeyOf(string secret)
        => Convert.FromBase64String(secret.StartsWith(Prefix, StringComparison.Ordinal) ? secret[Prefix.Length..] : secret);
}
