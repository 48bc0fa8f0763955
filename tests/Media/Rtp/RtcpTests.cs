using Sessions.Media.Rtp;

namespace Sessions.Tests.Media.Rtp;

public sealed class RtcpTests
{
    private static readonly SenderInfo Info = new(0x0102030405060708, 0x11121314, 15, 1600);

    private static readonly ReportBlock Block = new(0xaabbccdd, 64, -3, 0x0001fffe, 77, 0x03040506, 65_536);

    [Fact]
    public void A_written_compound_packet_is_parsed_to_the_same_values()
    {
        var buffer = new byte[400];
        var writer = new RtcpWriter(buffer);
        Assert.True(writer.AddSenderReport(1, Info, [Block, Block with { CumulativeLost = 0x7fffff }]));
        Assert.True(writer.AddSdes(1, "name"));
        Assert.True(writer.AddNack(1, 2, [10]));
        Assert.True(writer.AddPli(1, 3));
        Assert.True(writer.AddFir(1, 4, 9));
        Assert.True(writer.AddRemb(1, 1_000_000, [5, 6]));
        Assert.True(writer.AddBye(7));

        var reader = new RtcpReader(buffer.AsSpan(0, writer.Length));
        Assert.True(reader.TryNext(out var report));
        Assert.Equal(RtcpType.SenderReport, report.Type);
        Assert.Equal(1U, report.SenderSsrc);
        Assert.True(report.TryReadSenderInfo(out var info));
        Assert.Equal(Info, info);
        Assert.Equal([Block, Block with { CumulativeLost = 0x7fffff }], Blocks(report));
        Assert.True(reader.TryNext(out var description));
        Assert.Equal(RtcpType.SourceDescription, description.Type);
        Assert.True(reader.TryNext(out var nack));
        Assert.Equal([10], Lost(nack));
        Assert.Equal(2U, nack.MediaSsrc);
        Assert.True(reader.TryNext(out var pli));
        Assert.True(pli.IsPli);
        Assert.Equal(3U, pli.MediaSsrc);
        Assert.True(reader.TryNext(out var fir));
        Assert.False(fir.IsPli);
        Assert.Equal([new FirEntry(4, 9)], Entries(fir));
        Assert.True(reader.TryNext(out var remb));
        Assert.True(remb.TryReadRemb(out var bitrate, out var ssrcs));
        Assert.Equal(1_000_000, bitrate);
        Assert.Equal([5U, 6U], Sources(ssrcs));
        Assert.True(reader.TryNext(out var bye));
        Assert.Equal([7U], Sources(bye.Bye));
        Assert.False(reader.TryNext(out _));
    }

    [Fact]
    public void A_sender_report_is_laid_out_as_in_RFC_3550()
    {
        var buffer = new byte[100];
        var writer = new RtcpWriter(buffer);
        writer.AddSenderReport(0x0a0b0c0d, Info, [Block]);

        Assert.Equal(
            Hex.Parse("""
                81c8000c 0a0b0c0d 01020304 05060708 11121314 0000000f 00000640
                aabbccdd 40fffffd 0001fffe 0000004d 03040506 00010000
                """),
            buffer[..writer.Length]);
    }

    [Theory]
    [InlineData("", "81ca0002 00000001 01000000")]
    [InlineData("a", "81ca0002 00000001 01016100")]
    [InlineData("ab", "81ca0003 00000001 01026162 00000000")]
    [InlineData("abcde", "81ca0003 00000001 01056162 63646500")]
    public void A_source_description_ends_with_at_least_one_zero_byte(string cname, string expected)
    {
        var buffer = Enumerable.Repeat((byte)0xff, 40).ToArray();
        var writer = new RtcpWriter(buffer);

        Assert.True(writer.AddSdes(1, cname));
        Assert.Equal(Hex.Parse(expected), buffer[..writer.Length]);
    }

    [Fact]
    public void More_than_31_report_blocks_continue_in_receiver_reports()
    {
        var blocks = Enumerable.Range(0, 70).Select(ssrc => Block with { Ssrc = (uint)ssrc }).ToArray();
        var buffer = new byte[2000];
        var writer = new RtcpWriter(buffer);
        Assert.True(writer.AddSenderReport(1, Info, blocks));

        var reader = new RtcpReader(buffer.AsSpan(0, writer.Length));
        List<ReportBlock> read = [];
        List<byte> types = [];

        while (reader.TryNext(out var packet))
        {
            types.Add(packet.Type);
            read.AddRange(Blocks(packet));
        }

        Assert.Equal(blocks, read);
        Assert.Equal([RtcpType.SenderReport, RtcpType.ReceiverReport, RtcpType.ReceiverReport], types);
    }

    [Theory]
    [InlineData(new ushort[] { 1 })]
    [InlineData(new ushort[] { 1, 2, 17, 18, 19 })]
    [InlineData(new ushort[] { 65_530, 65_535, 0, 10, 11, 1000 })]
    public void A_written_NACK_is_parsed_to_the_same_lost_packets(ushort[] lost)
    {
        var buffer = new byte[100];
        var writer = new RtcpWriter(buffer);
        Assert.True(writer.AddNack(1, 2, lost));

        var reader = new RtcpReader(buffer.AsSpan(0, writer.Length));
        Assert.True(reader.TryNext(out var packet));
        Assert.Equal(lost, Lost(packet));
    }

    [Fact]
    public void Seventeen_consecutive_lost_packets_take_one_NACK_entry()
    {
        var buffer = new byte[16];
        var writer = new RtcpWriter(buffer);

        Assert.True(writer.AddNack(1, 2, [.. Enumerable.Range(65_530, 17).Select(number => (ushort)number)]));
        Assert.Equal(Hex.Parse("81cd0003 00000001 00000002 fffaffff"), buffer);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(262_143)]
    [InlineData(262_144)]
    [InlineData(5_000_000)]
    [InlineData(long.MaxValue)]
    public void A_REMB_bit_rate_keeps_18_bits_of_precision(long bitrate)
    {
        var buffer = new byte[100];
        var writer = new RtcpWriter(buffer);
        Assert.True(writer.AddRemb(1, bitrate, [2]));

        var reader = new RtcpReader(buffer);
        Assert.True(reader.TryNext(out var packet));
        Assert.True(packet.TryReadRemb(out var read, out _));
        Assert.InRange(read, bitrate - (bitrate >> 17), bitrate);
    }

    [Fact]
    public void A_REMB_bit_rate_out_of_range_becomes_the_highest_value()
    {
        var reader = new RtcpReader(Hex.Parse("8fce0005 00000001 00000000 52454d42 01ffffff 00000002"));

        Assert.True(reader.TryNext(out var packet));
        Assert.True(packet.TryReadRemb(out var bitrate, out var ssrcs));
        Assert.Equal(long.MaxValue, bitrate);
        Assert.Equal([2U], Sources(ssrcs));
    }

    [Fact]
    public void Nothing_is_written_if_the_packet_does_not_fit()
    {
        for (var room = 0; room < 12; room++)
        {
            var writer = new RtcpWriter(new byte[room]);

            Assert.False(writer.AddSenderReport(1, Info, [Block]));
            Assert.Equal(room >= 8, writer.AddReceiverReport(1, []));
            writer = new RtcpWriter(new byte[room]);
            Assert.False(writer.AddReceiverReport(1, new ReportBlock[40]));
            Assert.False(writer.AddSdes(1, "name"));
            Assert.False(writer.AddNack(1, 2, [3]));
            Assert.False(writer.AddPli(1, 2));
            Assert.False(writer.AddFir(1, 2, 3));
            Assert.False(writer.AddRemb(1, 2, []));
            Assert.Equal(0, writer.Length);
            Assert.Equal(room >= 8, writer.AddBye(1));
        }

        var large = new RtcpWriter(new byte[1000]);
        Assert.False(large.AddReceiverReport(1, new ReportBlock[80]));
        Assert.False(large.AddSdes(1, new string('x', 256)));
        Assert.Equal(0, large.Length);
    }

    [Theory]
    [InlineData("81c9")]
    [InlineData("41c90000")]
    [InlineData("81c90002 00000001")]
    [InlineData("a1c90001 00000000")]
    [InlineData("a1c90001 00000005")]
    [InlineData("a0c90001 00000004 80c90001 00000001")]
    public void A_malformed_packet_ends_parsing(string bytes)
    {
        var reader = new RtcpReader(Hex.Parse(bytes));

        Assert.False(reader.TryNext(out _));
    }

    [Fact]
    public void The_padding_of_the_last_packet_is_skipped()
    {
        var reader = new RtcpReader(Hex.Parse("a0c90002 00000001 00000004"));

        Assert.True(reader.TryNext(out var packet));
        Assert.Equal(4, packet.Body.Length);
    }

    [Fact]
    public void Counts_beyond_the_length_of_the_packet_are_truncated()
    {
        var reader = new RtcpReader(Hex.Parse("9fcb0002 00000001 00000002 9fc90001 00000001"));

        Assert.True(reader.TryNext(out var bye));
        Assert.Equal([1U, 2U], Sources(bye.Bye));
        Assert.True(reader.TryNext(out var report));
        Assert.Empty(Blocks(report));
    }

    [Fact]
    public void The_round_trip_time_excludes_the_delay_at_the_receiver()
    {
        // The example of RFC 3550 section 6.4.1.
        var block = new ReportBlock(1, 0, 0, 0, 0, 0xb705_2000, 0x0005_4000);

        Assert.Equal(6.125, block.RoundTripTime(0xb710_8000UL << 16)!.Value.TotalSeconds, 3);
        Assert.Null((block with { LastSenderReport = 0 }).RoundTripTime(0xb710_8000UL << 16));
        Assert.Null((block with { DelaySinceLastSenderReport = 0x00ff_0000 }).RoundTripTime(0xb710_8000UL << 16));
    }

    private static List<ReportBlock> Blocks(RtcpPacket packet)
    {
        List<ReportBlock> blocks = [];

        foreach (var block in packet.ReportBlocks)
            blocks.Add(block);

        return blocks;
    }

    private static List<ushort> Lost(RtcpPacket packet)
    {
        List<ushort> lost = [];

        foreach (var sequenceNumber in packet.Nack)
            lost.Add(sequenceNumber);

        return lost;
    }

    private static List<FirEntry> Entries(RtcpPacket packet)
    {
        List<FirEntry> entries = [];

        foreach (var entry in packet.Fir)
            entries.Add(entry);

        return entries;
    }

    private static List<uint> Sources(SsrcList list)
    {
        List<uint> ssrcs = [];

        foreach (var ssrc in list)
            ssrcs.Add(ssrc);

        return ssrcs;
    }
}
