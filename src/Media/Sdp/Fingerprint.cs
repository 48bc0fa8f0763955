using System.Security.Cryptography;

namespace Sessions.Media.Sdp;

/// <summary>The hash of a certificate, as in <c>a=fingerprint</c> (RFC 8122, section 5).</summary>
/// <param name="Algorithm">The hash function in lower case, for example <c>sha-256</c>.</param>
/// <param name="Value">The hash of the certificate's DER encoding.</param>
public sealed record Fingerprint(string Algorithm, byte[] Value)
{
    /// <summary>Whether the hash function is one that <see cref="Matches"/> can compute.</summary>
    public bool IsSupported => Algorithm is "sha-256" or "sha-384" or "sha-512";

    /// <summary>The SHA-256 fingerprint of a certificate in DER encoding.</summary>
    public static Fingerprint Of(ReadOnlySpan<byte> certificate) => new("sha-256", SHA256.HashData(certificate));

    /// <summary>
    /// Whether this is the fingerprint of a certificate in DER encoding. Always false if the hash function is not supported.
    /// </summary>
    public bool Matches(ReadOnlySpan<byte> certificate)
        => Algorithm switch
        {
            "sha-256" => SHA256.HashData(certificate).AsSpan().SequenceEqual(Value),
            "sha-384" => SHA384.HashData(certificate).AsSpan().SequenceEqual(Value),
            "sha-512" => SHA512.HashData(certificate).AsSpan().SequenceEqual(Value),
            _ => false,
        };

    /// <summary>The attribute's value, for example <c>sha-256 AB:CD:…</c>.</summary>
    public override string ToString() => $"{Algorithm} {string.Join(':', Value.Select(octet => octet.ToString("X2", null)))}";

    /// <inheritdoc/>
    public bool Equals(Fingerprint? other) => other is not null && Algorithm == other.Algorithm && Value.AsSpan().SequenceEqual(other.Value);

    /// <inheritdoc/>
    public override int GetHashCode()
    {
        var hash = default(HashCode);
        hash.Add(Algorithm);
        hash.AddBytes(Value);
        return hash.ToHashCode();
    }

    /// <summary>Reads the attribute's value.</summary>
    internal static Fingerprint? Parse(string value)
    {
        if (value.Split(' ') is not [{ Length: > 0 } algorithm, { Length: >= 2 } hash] || hash.Length % 3 != 2)
            return null;

        var octets = new byte[(hash.Length + 1) / 3];
        for (var i = 0; i < octets.Length; i++)
        {
            if ((i > 0 && hash[(3 * i) - 1] != ':')
                || Convert.FromHexString(hash.AsSpan(3 * i, 2), octets.AsSpan(i), out _, out _) != System.Buffers.OperationStatus.Done)
            {
                return null;
            }
        }

        return new(algorithm.ToLowerInvariant(), octets);
    }
}
