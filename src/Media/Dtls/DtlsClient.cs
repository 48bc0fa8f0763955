using Org.BouncyCastle.Tls;
using Org.BouncyCastle.Tls.Crypto;

namespace Sessions.Media.Dtls;

/// <summary>The client's role in a DTLS-SRTP handshake.</summary>
internal sealed class DtlsClient(TlsCrypto crypto, DtlsEndpoint endpoint) : DefaultTlsClient(crypto), TlsAuthentication
{
    public override int GetHandshakeResendTimeMillis() => DtlsAssociation.ResendAtOnce;

    public override IDictionary<int, byte[]> GetClientExtensions()
    {
        var extensions = base.GetClientExtensions() ?? new Dictionary<int, byte[]>();
        DtlsEndpoint.Offer(extensions, DtlsEndpoint.Profiles);
        return extensions;
    }

    public override void ProcessServerExtensions(IDictionary<int, byte[]> serverExtensions)
    {
        base.ProcessServerExtensions(serverExtensions);
        endpoint.Select(serverExtensions);
    }

    public override TlsAuthentication GetAuthentication() => this;

    public void NotifyServerCertificate(TlsServerCertificate serverCertificate) => endpoint.Verify(serverCertificate.Certificate);

    public TlsCredentials GetClientCredentials(CertificateRequest certificateRequest) => endpoint.Certificate.ToCredentials(m_context);

    public override void NotifyHandshakeComplete()
    {
        base.NotifyHandshakeComplete();
        endpoint.ExportKeys(m_context);
    }

    protected override ProtocolVersion[] GetSupportedVersions() => DtlsEndpoint.Versions;

    protected override int[] GetSupportedCipherSuites() => DtlsEndpoint.CipherSuites;
}
