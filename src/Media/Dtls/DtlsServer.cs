using Org.BouncyCastle.Tls;
using Org.BouncyCastle.Tls.Crypto;

namespace Sessions.Media.Dtls;

/// <summary>The server's role in a DTLS-SRTP handshake. It requests the client's certificate.</summary>
internal sealed class DtlsServer(TlsCrypto crypto, DtlsEndpoint endpoint) : DefaultTlsServer(crypto)
{
    public override int GetHandshakeResendTimeMillis() => DtlsAssociation.ResendAtOnce;

    public override void ProcessClientExtensions(IDictionary<int, byte[]> clientExtensions)
    {
        base.ProcessClientExtensions(clientExtensions);
        endpoint.Select(clientExtensions);
    }

    public override IDictionary<int, byte[]> GetServerExtensions()
    {
        var extensions = base.GetServerExtensions() ?? new Dictionary<int, byte[]>();
        DtlsEndpoint.Offer(extensions, (int)endpoint.Profile!);
        return extensions;
    }

    public override CertificateRequest GetCertificateRequest()
        => new(
            [ClientCertificateType.ecdsa_sign, ClientCertificateType.rsa_sign],
            TlsUtilities.GetDefaultSupportedSignatureAlgorithms(m_context),
            null);

    public override void NotifyClientCertificate(Certificate clientCertificate) => endpoint.Verify(clientCertificate);

    public override void NotifyHandshakeComplete()
    {
        base.NotifyHandshakeComplete();
        endpoint.ExportKeys(m_context);
    }

    protected override ProtocolVersion[] GetSupportedVersions() => DtlsEndpoint.Versions;

    protected override int[] GetSupportedCipherSuites() => DtlsEndpoint.CipherSuites;

    protected override TlsCredentialedSigner GetECDsaSignerCredentials() => endpoint.Certificate.ToCredentials(m_context);
}
