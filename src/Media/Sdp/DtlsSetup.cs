namespace Sessions.Media.Sdp;

/// <summary>Who starts the DTLS handshake: <c>a=setup</c> (RFC 4145, section 4; RFC 8842, section 5).</summary>
public enum DtlsSetup
{
    /// <summary>Either; only in an offer.</summary>
    ActPass,

    /// <summary>This end starts: it is the DTLS client.</summary>
    Active,

    /// <summary>The other end starts: this end is the DTLS server.</summary>
    Passive,
}
