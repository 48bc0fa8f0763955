using System.Security.Cryptography;
using Org.BouncyCastle.Crypto;
using Org.BouncyCastle.Security;
using Org.BouncyCastle.Tls;
using Org.BouncyCastle.Tls.Crypto.Impl.BC;
using Sessions.Media.Sdp;

namespace Sessions.Media.Dtls;

/// <summary>
/// A self-signed P-256 certificate, created anew for each process. Peers recognize it by the fingerprint in the SDP (RFC 8122, section 5).
/// RFC 8827, section 6.5, requires P-256.
/// </summary>
public sealed class DtlsCertificate
{
    private readonly AsymmetricKeyParameter _privateKey;
    private readonly byte[] _encoded;

    private DtlsCertificate(byte[] encoded, AsymmetricKeyParameter privateKey)
        => (_encoded, _privateKey, Fingerprint) = (encoded, privateKey, Fingerprint.Of(encoded));

    /// <summary>The certificate's fingerprint for the SDP.</summary>
    public Fingerprint Fingerprint { get; }

    /// <summary>Creates a key and a certificate. The validity period has no effect, because peers check only the fingerprint.</summary>
    public static DtlsCertificate Create()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new System.Security.Cryptography.X509Certificates.CertificateRequest("CN=sessions", key, HashAlgorithmName.SHA256);
        using var certificate = request.CreateSelfSigned(DateTimeOffset.UnixEpoch, DateTimeOffset.UnixEpoch.AddYears(100));
        return new(certificate.RawData, PrivateKeyFactory.CreateKey(key.ExportPkcs8PrivateKey()));
    }

    /// <summary>The certificate and its key in the form that BouncyCastle's handshake needs.</summary>
    internal BcDefaultTlsCredentialedSigner ToCredentials(TlsContext context)
    {
        var crypto = (BcTlsCrypto)context.Crypto;
        return new(
            new(context),
            crypto,
            _privateKey,
            new Certificate([crypto.CreateCertificate(_encoded)]),
            SignatureAndHashAlgorithm.GetInstance(Org.BouncyCastle.Tls.HashAlgorithm.sha256, SignatureAlgorithm.ecdsa));
    }
}
