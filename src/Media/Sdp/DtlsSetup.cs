namespace Sessions.Media.Sdp;

/// <summary>The end that starts the DTLS handshake, from <c>a=setup</c> (RFC 4145, section 4, and RFC 8842, section 5).</summary>
public enum DtlsSetup
{
    /// <summary>Either end. Only in an offer.</summary>
    ActPass,

    /// <summary>This end starts, as the DTLS client.</summary>
    Active,

    /// <summary>The other end starts, and this end is the DTLS server.</summary>
    Passive,
}
