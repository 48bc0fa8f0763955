using Org.BouncyCastle.Tls;
using Sessions.Media.Negotiation;
using Sessions.Media.Srtp;

namespace Sessions.Media.Dtls;

/// <summary>
/// The parameters and checks that both roles of a DTLS-SRTP handshake share. These are DTLS 1.2, the SRTP profiles (RFC 5764, section
/// 4.1.2), the peer's certificate by its fingerprint, and the keys exported from the finished handshake (RFC 5764, section 4.2).
/// </summary>
internal sealed class DtlsEndpoint(DtlsCertificate certificate, RemoteTransport peer, bool isClient)
{
    /// <summary>The SRTP profiles, in order of preference.</summary>
    public static int[] Profiles { get; } = [(int)SrtpProfile.AeadAes128Gcm, (int)SrtpProfile.Aes128CmHmacSha1_80];

    public static ProtocolVersion[] Versions { get; } = ProtocolVersion.DTLSv12.Only();

    public static int[] CipherSuites { get; } =
        [CipherSuite.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, CipherSuite.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA];

    public DtlsCertificate Certificate => certificate;

    /// <summary>The SRTP profile in use. Null until it is negotiated.</summary>
    public SrtpProfile? Profile { get; set; }

    /// <summary>The SRTP keys for sending and for receiving. Null until the handshake has finished.</summary>
    public (SrtpMasterKey Sending, SrtpMasterKey Receiving)? Keys { get; private set; }

    /// <exception cref="TlsFatalAlert">The certificate has none of the fingerprints in the peer's SDP.</exception>
    public void Verify(Certificate presented)
    {
        if (presented.IsEmpty || !peer.IsCertificate(presented.GetCertificateAt(0).GetEncoded()))
            throw new TlsFatalAlert(AlertDescription.bad_certificate);
    }

    public static void Offer(IDictionary<int, byte[]> extensions, params int[] profiles)
        => TlsSrtpUtilities.AddUseSrtpExtension(extensions, new UseSrtpData(profiles, TlsUtilities.EmptyBytes));

    /// <exception cref="TlsFatalAlert">The two ends have no profile in common.</exception>
    public void Select(IDictionary<int, byte[]> extensions)
    {
        var offered = TlsSrtpUtilities.GetUseSrtpExtension(extensions)?.ProtectionProfiles ?? [];
        if (Profiles.FirstOrDefault(offered.Contains) is not (> 0 and var profile))
            throw new TlsFatalAlert(AlertDescription.handshake_failure);
        Profile = (SrtpProfile)profile;
    }

    /// <summary>Exports the keys in the order client key, server key, client salt, server salt.</summary>
    public void ExportKeys(TlsContext context)
    {
        var profile = Profile ?? throw new TlsFatalAlert(AlertDescription.handshake_failure);
        var salt = SrtpMasterKey.SaltLength(profile);
        var exported = context.ExportKeyingMaterial(ExporterLabel.dtls_srtp, null, 2 * (SrtpMasterKey.KeyLength + salt));
        var salts = exported.AsSpan(2 * SrtpMasterKey.KeyLength);
        var client = new SrtpMasterKey(profile, exported[..SrtpMasterKey.KeyLength], salts[..salt].ToArray());
        var server = new SrtpMasterKey(
            profile, exported[SrtpMasterKey.KeyLength..(2 * SrtpMasterKey.KeyLength)], salts[salt..].ToArray());
        Keys = isClient ? (client, server) : (server, client);
    }
}
