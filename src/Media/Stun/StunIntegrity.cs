using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;

namespace Sessions.Media.Stun;

/// <summary>The value of MESSAGE-INTEGRITY (RFC 8489 section 14.5), which is the HMAC-SHA1 of the message before the attribute.</summary>
internal static class StunIntegrity
{
    public const int Length = HMACSHA1.HashSizeInBytes;

    [SuppressMessage("Security", "CA5350", Justification = "RFC 8445 has HMAC-SHA1, which is unbroken, and browsers send nothing else.")]
    public static void Compute(ReadOnlySpan<byte> key, ReadOnlySpan<byte> message, Span<byte> destination)
        => HMACSHA1.HashData(key, message, destination);
}
