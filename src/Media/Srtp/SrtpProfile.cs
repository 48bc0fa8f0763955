namespace Sessions.Media.Srtp;

/// <summary>A protection profile, by its number in the use_srtp extension of DTLS (RFC 5764 section 4.1.2, RFC 7714 section 14.2).</summary>
public enum SrtpProfile
{
    /// <summary>AES-128 in counter mode and a tag of 80 bits (RFC 3711 sections 4.1.1 and 4.2.1).</summary>
#pragma warning disable CA1707 // As in the name of the profile.
    Aes128CmHmacSha1_80 = 0x0001,
#pragma warning restore CA1707

    /// <summary>AES-128 in Galois/counter mode and a tag of 128 bits (RFC 7714).</summary>
    AeadAes128Gcm = 0x0007,
}
