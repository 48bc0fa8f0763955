using Sessions.Media.Sdp;

namespace Sessions.Media.Negotiation;

/// <summary>The peer's end of a connection, from its offer or answer.</summary>
/// <param name="UsernameFragment">The ICE user name fragment (RFC 8839, section 5.4). A new fragment means an ICE restart.</param>
/// <param name="Password">The ICE password.</param>
/// <param name="Fingerprints">The fingerprints with supported hash functions, at least one.</param>
/// <param name="Setup">The peer's role in the DTLS handshake (RFC 8842, section 5).</param>
public sealed record RemoteTransport(
    string UsernameFragment, string Password, IReadOnlyList<Fingerprint> Fingerprints, DtlsSetup Setup)
{
    /// <summary>Whether a certificate in DER encoding is the peer's. One matching fingerprint is enough (RFC 8122, section 5).</summary>
    public bool IsCertificate(ReadOnlySpan<byte> certificate)
    {
        foreach (var fingerprint in Fingerprints)
        {
            if (fingerprint.Matches(certificate))
                return true;
        }

        return false;
    }

    /// <summary>The transport in a tagged section, or null and an error if something is missing.</summary>
    internal static RemoteTransport? Read(MediaDescription tagged, out string? error)
    {
        Fingerprint[] fingerprints = [.. tagged.Fingerprints.Where(fingerprint => fingerprint.IsSupported)];
        error = tagged switch
        {
            { UsernameFragment: null } or { Password: null } => "The bundled section has no a=ice-ufrag or no a=ice-pwd.",
            { Fingerprints: [] } => "The bundled section has no a=fingerprint.",
            { Setup: null } => "The bundled section has no a=setup.",
            _ when fingerprints is [] => "The bundled section has no a=fingerprint with sha-256, sha-384 or sha-512.",
            _ => null,
        };
        return error is null ? new(tagged.UsernameFragment!, tagged.Password!, fingerprints, tagged.Setup!.Value) : null;
    }
}
