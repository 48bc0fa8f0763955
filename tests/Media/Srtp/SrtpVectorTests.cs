using System.Security.Cryptography;
using Sessions.Media.Srtp;

namespace Sessions.Tests.Media.Srtp;

/// <summary>The examples in the RFCs, in their format.</summary>
public sealed class SrtpVectorTests
{
    /// <summary>RFC 7714 section 16: "Gallia est omnis divisa in partes tres".</summary>
    private const string RtpPacket =
        "8040f17b 8041f8d3 5501a0b2 47616c6c 69612065 7374206f 6d6e6973 20646976 69736120 696e2070 61727465 73207472 6573";

    /// <summary>RFC 7714 section 17.</summary>
    private const string RtcpPacket =
        "81c8000d 4d617273 4e545031 4e545032 52545020 0000042a 0000e930 4c756e61 deadbeef deadbeef deadbeef deadbeef deadbeef";

    [Theory]
    [InlineData(0, "C61E7A93744F39EE10734AFE3FF7A087")]
    [InlineData(2, "30CBBC08863D8C85D49DB34A9AE1")]
    [InlineData(1, """
        CEBE321F6FF7716B6FD4AB49AF256A15 6D38BAA48F0A0ACF3C34E2359E6CDBCE
        E049646C43D9327AD175578EF7227098 6371C10C9A369AC2F94A8C5FBCDDDC25
        6D6E919A48B610EF17C2041E47403576 6B68642C59BBFC2F34DB60DBDFB2
        """)]
    public void Session_keys_are_derived_as_in_RFC_3711_B_3(byte label, string expected)
    {
        var master = new SrtpMasterKey(
            SrtpProfile.Aes128CmHmacSha1_80, Hex.Parse("E1F97A0D3E018BE0D64FA32C06DE4139"), Hex.Parse("0EC675AD498AFEEBB6960B3AABE6"));
        var key = new byte[Hex.Parse(expected).Length];

        KeyDerivation.Derive(master, label, key);

        Assert.Equal(Hex.Parse(expected), key);
    }

    [Fact]
    public void A_96_bit_salt_is_padded_on_the_right_for_key_derivation()
    {
        var key = RandomNumberGenerator.GetBytes(16);
        var salt = RandomNumberGenerator.GetBytes(12);
        var derived = new byte[12];
        var derivedOfPadded = new byte[12];

        KeyDerivation.Derive(new(SrtpProfile.AeadAes128Gcm, key, salt), 2, derived);
        KeyDerivation.Derive(new(SrtpProfile.Aes128CmHmacSha1_80, key, [.. salt, 0, 0]), 2, derivedOfPadded);

        Assert.Equal(derivedOfPadded, derived);
    }

    [Fact]
    public void The_counter_mode_keystream_matches_RFC_3711_B_2()
    {
        using var cipher = new CounterModeCipher(
            Hex.Parse("2B7E151628AED2A6ABF7158809CF4F3C"), Hex.Parse("F0F1F2F3F4F5F6F7F8F9FAFBFCFD"), new byte[20]);
        var keystream = new byte[0xff02 * 16];

        cipher.Crypt(keystream, keystream, 0, 0);

        Assert.Equal(
            Hex.Parse("E03EAD0935C95E80E166B16DD92B4EB4 D23513162B02D0F72A43A2FE4A5F97AB 41E95B3BB0A2E8DD477901E4FCA894C0"), keystream[..48]);
        Assert.Equal(
            Hex.Parse("EC8CDF7398607CB0F2D21675EA9EA1E4 362B7C3C6773516318A077D7FC5073AE 6A2CC3787889374FBEB4C81B17BA6C44"), keystream[^48..]);
    }

    [Fact]
    public void An_RTP_packet_is_protected_as_in_RFC_7714_16_1()
    {
        const string Expected = """
            8040f17b 8041f8d3 5501a0b2 f24de3a3 fb34de6c acba861c 9d7e4bca be633bd5
            0d294e6f 42a5f47a 51c7d19b 36de3adf 8833899d 7f27beb1 6a9152cf 765ee439 0cce
            """;
        using var cipher = Rfc7714Cipher();
        var packet = Hex.Parse(RtpPacket);
        var protectedPacket = new byte[packet.Length + 16];

        cipher.SealRtp(packet, protectedPacket, 12, 0x5501a0b2, 0xf17b);

        Assert.Equal(Hex.Parse(Expected), protectedPacket);
        Assert.True(cipher.TryOpenRtp(protectedPacket, 12, 0x5501a0b2, 0xf17b));
        Assert.Equal(packet, protectedPacket[..^16]);
    }

    [Fact]
    public void An_RTCP_packet_is_protected_as_in_RFC_7714_17_1()
    {
        const string Expected = """
            81c8000d 4d617273 63e94885 dcdab67c a727d766 2f6b7e99 7ff5c0f7 6c06f32d c676a5f1 730d6fda
            4ce09b46 86303ded 0bb9275b c84aa458 96cf4d2f c5abf872 45d9eade 800005d4
            """;
        using var cipher = Rfc7714Cipher();
        var packet = Hex.Parse(RtcpPacket);
        var protectedPacket = new byte[packet.Length + 20];

        cipher.SealRtcp(packet, protectedPacket, 0x4d617273, 0x5d4);

        Assert.Equal(Hex.Parse(Expected), protectedPacket);
        Assert.True(cipher.TryOpenRtcp(protectedPacket, 0x4d617273, 0x5d4));
        Assert.Equal(packet, protectedPacket[..^20]);
    }

    private static GcmCipher Rfc7714Cipher()
        => new(Hex.Parse("00010203 04050607 08090a0b 0c0d0e0f"), Hex.Parse("51756964 2070726f 2071756f"));
}
