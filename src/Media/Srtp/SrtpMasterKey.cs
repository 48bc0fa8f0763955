namespace Sessions.Media.Srtp;

/// <summary>The master key and master salt of one direction (RFC 3711 section 3.2.1), which DTLS exports (RFC 5764 section 4.2).</summary>
/// <param name="Profile">The profile of the key.</param>
/// <param name="Key"><see cref="KeyLength"/> bytes.</param>
/// <param name="Salt"><see cref="SaltLength"/> bytes.</param>
/// <exception cref="ArgumentException">The key or the salt has a wrong length, or the profile is unknown.</exception>
public sealed record SrtpMasterKey(SrtpProfile Profile, byte[] Key, byte[] Salt)
{
    /// <summary>The length of a master key in both profiles, in bytes.</summary>
    public const int KeyLength = 16;

    /// <summary>The master key.</summary>
    public byte[] Key { get; } = Key.Length == KeyLength
        ? Key : throw new ArgumentException($"A master key has {KeyLength} bytes.", nameof(Key));

    /// <summary>The master salt.</summary>
    public byte[] Salt { get; } = Salt.Length == SaltLength(Profile)
        ? Salt : throw new ArgumentException($"A master salt of {Profile} has {SaltLength(Profile)} bytes.", nameof(Salt));

    /// <summary>
    /// The length of a master salt in bytes, which is 14 (112 bits, RFC 3711 section 8.2) or 12 (96 bits, RFC 7714 section 12).
    /// </summary>
    public static int SaltLength(SrtpProfile profile) => profile switch
    {
        SrtpProfile.Aes128CmHmacSha1_80 => 14,
        SrtpProfile.AeadAes128Gcm => 12,
        _ => throw new ArgumentException($"{profile} is not a known profile.", nameof(profile)),
    };
}
