using Sessions.Media.Rtp;

namespace Sessions.Tests.Media.Rtp;

public sealed class RtpPacketTests
{
    [Fact]
    public void A_written_header_is_parsed_to_the_same_values()
    {
        var bytes = new byte[15];
        RtpHeader.Write(bytes, true, 111, 0xfedc, 0x89abcdef, 0x12345678);

        Assert.True(RtpPacket.TryParse(bytes, out var packet));
        Assert.True(packet.Marker);
        Assert.Equal(111, packet.PayloadType);
        Assert.Equal(0xfedc, packet.SequenceNumber);
        Assert.Equal(0x89abcdef, packet.Timestamp);
        Assert.Equal(0x12345678U, packet.Ssrc);
        Assert.Equal(12, packet.HeaderLength);
        Assert.Equal(0, packet.PaddingLength);
        Assert.Equal(3, packet.Payload.Length);
        Assert.Equal(Hex.Parse("80ef fedc 89abcdef 12345678"), bytes[..12]);
    }

    [Fact]
    public void Contributing_sources_extension_and_padding_are_not_part_of_the_payload()
    {
        var bytes = Hex.Parse("b260 0001 00000002 00000003 0000000a 0000000b bede0002 11223344 55667788 aabbcc 000003");

        Assert.True(RtpPacket.TryParse(bytes, out var packet));
        Assert.Equal(32, packet.HeaderLength);
        Assert.Equal(3, packet.PaddingLength);
        Assert.Equal(Hex.Parse("aabbcc"), packet.Payload.ToArray());
    }

    [Fact]
    public void A_packet_with_only_padding_has_an_empty_payload()
    {
        Assert.True(RtpPacket.TryParse(Hex.Parse("a060 0001 00000002 00000003 000003"), out var packet));
        Assert.True(packet.Payload.IsEmpty);
    }

    [Theory]
    [InlineData("")]
    [InlineData("8060 0001 00000002 000000")]
    [InlineData("4060 0001 00000002 00000003")]
    [InlineData("8160 0001 00000002 00000003 000000")]
    [InlineData("9060 0001 00000002 00000003 bede00")]
    [InlineData("9060 0001 00000002 00000003 bede0001 112233")]
    [InlineData("a060 0001 00000002 00000003")]
    [InlineData("a060 0001 00000002 00000003 00")]
    [InlineData("a060 0001 00000002 00000003 0003")]
    public void A_malformed_or_truncated_packet_is_rejected(string bytes) => Assert.False(RtpPacket.TryParse(Hex.Parse(bytes), out _));

    [Theory]
    [InlineData("0001", PacketKind.Stun)]
    [InlineData("0301", PacketKind.Stun)]
    [InlineData("0400", PacketKind.Unknown)]
    [InlineData("13fe", PacketKind.Unknown)]
    [InlineData("14fe", PacketKind.Dtls)]
    [InlineData("3ffe", PacketKind.Dtls)]
    [InlineData("4000", PacketKind.Unknown)]
    [InlineData("7f00", PacketKind.Unknown)]
    [InlineData("8060", PacketKind.Rtp)]
    [InlineData("80bf", PacketKind.Rtp)]
    [InlineData("80c0", PacketKind.Rtcp)]
    [InlineData("81c8", PacketKind.Rtcp)]
    [InlineData("bfdf", PacketKind.Rtcp)]
    [InlineData("bfe0", PacketKind.Rtp)]
    [InlineData("c0c8", PacketKind.Unknown)]
    [InlineData("80", PacketKind.Unknown)]
    [InlineData("", PacketKind.Unknown)]
    public void The_protocol_is_recognized_by_the_first_bytes(string bytes, PacketKind expected) => Assert.Equal(expected, PacketKind.Of(Hex.Parse(bytes)));

    [Fact]
    public void Sequence_numbers_are_extended_across_wraparound_in_both_directions()
    {
        SequenceUnwrapper unwrapper = default;

        Assert.Equal(
            [65_534L, 65_535, 65_536, 65_533, 65_538, 65_535, 98_305, 65_538],
            new ushort[] { 65_534, 65_535, 0, 65_533, 2, 65_535, 32_769, 2 }.Select(number => unwrapper.Unwrap(number)));
    }
}
