using Sessions.Media.Sdp;

namespace Sessions.Media.Negotiation;

/// <summary>This end of a connection, which all sections share (RFC 8843). It is an ICE-lite agent with a DTLS certificate.</summary>
/// <param name="UsernameFragment">The ICE user name fragment.</param>
/// <param name="Password">The ICE password.</param>
/// <param name="Fingerprint">The fingerprint of the certificate.</param>
/// <param name="Candidates">All candidates, each in the form of <c>a=candidate</c>, beginning with the foundation.</param>
public sealed record LocalTransport(
    string UsernameFragment, string Password, Fingerprint Fingerprint, IReadOnlyList<string> Candidates)
{
    /// <summary>
    /// The section with this transport. As in browsers, credentials and fingerprint are in every section, but candidates only in the tagged
    /// section (RFC 8843, section 7.1.3).
    /// </summary>
    internal MediaDescription ApplyTo(MediaDescription section, DtlsSetup setup, bool isTagged)
        => section with
        {
            UsernameFragment = UsernameFragment,
            Password = Password,
            Fingerprints = [Fingerprint],
            Setup = setup,
            Candidates = isTagged ? Candidates : [],
            IsEndOfCandidates = isTagged,
        };
}
