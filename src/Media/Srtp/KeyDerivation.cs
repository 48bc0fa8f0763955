using System.Buffers.Binary;
using System.Security.Cryptography;

namespace Sessions.Media.Srtp;

/// <summary>
/// Derives session keys from a master key (RFC 3711 section 4.3) with a key derivation rate of zero, so they last as long as the master
/// key. AEAD_AES_128_GCM uses the same function (RFC 7714 section 11), with its shorter salt padded with zeros on the right.
/// </summary>
internal static class KeyDerivation
{
    private const int AuthenticationKeyLength = 20;

    /// <summary>The purpose of a session key, as in the SRTP labels of RFC 3711 section 4.3.2. The SRTCP labels are three higher.</summary>
    private enum Label : byte
    {
        Encryption = 0,
        Authentication = 1,
        Salt = 2,
    }

    /// <summary>The cipher that protects RTP packets.</summary>
    public static PacketCipher CreateRtpCipher(SrtpMasterKey master) => CreateCipher(master, 0);

    /// <summary>The cipher that protects RTCP packets.</summary>
    public static PacketCipher CreateRtcpCipher(SrtpMasterKey master) => CreateCipher(master, 3);

    /// <summary>Fills <paramref name="key"/> with the first bytes of a session key.</summary>
    public static void Derive(SrtpMasterKey master, byte label, Span<byte> key)
    {
        Span<byte> input = stackalloc byte[16];
        Span<byte> output = stackalloc byte[16];
        master.Salt.CopyTo(input);
        input[7] ^= label;

        using var aes = Aes.Create();
        aes.Key = master.Key;

        for (ushort block = 0; key.Length > 0; block++)
        {
            BinaryPrimitives.WriteUInt16BigEndian(input[14..], block);
            aes.EncryptEcb(input, output, PaddingMode.None);

            var length = Math.Min(key.Length, output.Length);
            output[..length].CopyTo(key);
            key = key[length..];
        }

        CryptographicOperations.ZeroMemory(output);
    }

    private static PacketCipher CreateCipher(SrtpMasterKey master, byte firstLabel)
    {
        var key = new byte[SrtpMasterKey.KeyLength];
        var salt = new byte[master.Salt.Length];
        Derive(master, (byte)(firstLabel + Label.Encryption), key);
        Derive(master, (byte)(firstLabel + Label.Salt), salt);

        if (master.Profile is SrtpProfile.AeadAes128Gcm)
            return new GcmCipher(key, salt);

        var authenticationKey = new byte[AuthenticationKeyLength];
        Derive(master, (byte)(firstLabel + Label.Authentication), authenticationKey);
        return new CounterModeCipher(key, salt, authenticationKey);
    }
}
