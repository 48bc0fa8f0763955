using System.Security.Cryptography;
using Sessions.Media.Rtp;
using Sessions.Media.Srtp;

namespace Sessions.Tests.Media.Rtp;

/// <summary>Any input is parsed to its end without an exception, and no forged packet is accepted.</summary>
public sealed class MutatedPacketTests
{
    private const int Count = 200_000;

    [Fact]
    public void No_mutated_packet_throws_or_is_accepted()
    {
        var random = new Random(3550);
        byte[][] seeds = [.. Seeds()];
        using var counterMode = new SrtpReceiver(new(SrtpProfile.Aes128CmHmacSha1_80, RandomNumberGenerator.GetBytes(16), new byte[14]));
        using var gcm = new SrtpReceiver(new(SrtpProfile.AeadAes128Gcm, RandomNumberGenerator.GetBytes(16), new byte[12]));
        var (rtp, rtcp) = (0, 0);

        for (var i = 0; i < Count; i++)
        {
            var packet = Mutate(seeds[random.Next(seeds.Length)], random);
            rtp += ReadRtp(packet);
            rtcp += ReadRtcp(packet);

            var receiver = i % 2 == 0 ? counterMode : gcm;
            Assert.False(receiver.TryUnprotectRtp(packet, out _));
            Assert.False(receiver.TryUnprotectRtcp(packet, out _));
        }

        // The mutations are small enough to pass the first checks.
        Assert.InRange(rtp, Count / 4, Count);
        Assert.InRange(rtcp, Count / 4, 100 * Count);
    }

    private static IEnumerable<byte[]> Seeds()
    {
        var buffer = new byte[500];
        var writer = new RtcpWriter(buffer);
        writer.AddSenderReport(1, new(2, 3, 4, 5), [new(1, 2, 3, 4, 5, 6, 7)]);
        writer.AddSdes(1, "name");
        writer.AddNack(1, 2, [1, 2, 3, 100]);
        writer.AddPli(1, 2);
        writer.AddFir(1, 2, 3);
        writer.AddRemb(1, 1_000_000, [2, 3]);
        writer.AddBye(1);
        yield return buffer[..writer.Length];

        writer = new RtcpWriter(buffer);
        writer.AddReceiverReport(1, [default, default]);
        writer.AddRemb(1, 1_000_000, [2]);
        yield return buffer[..writer.Length];

        yield return Hex.Parse("b260 0001 00000002 00000003 0000000a 0000000b bede0002 11223344 55667788 90f0911122 335000 000004");
        yield return Hex.Parse("8060 0001 00000002 00000003 90f091112233509d012a");
        yield return Hex.Parse("8060 0001 00000002 00000003 780002674200026588");
        yield return Hex.Parse("8060 0001 00000002 00000003 7c8588");
    }

    private static byte[] Mutate(byte[] seed, Random random)
    {
        byte[] packet = [.. seed];

        for (var changes = random.Next(4); changes >= 0; changes--)
        {
            var position = random.Next(packet.Length);

            packet = random.Next(5) switch
            {
                0 => packet[..position],
                1 => [.. packet, .. seed[(position % seed.Length)..]],
                2 => With(packet, position, (byte)random.Next(256)),
                _ => With(packet, position, (byte)(packet[position] ^ (1 << random.Next(8)))),
            };

            if (packet.Length == 0)
                break;
        }

        return packet;
    }

    private static byte[] With(byte[] packet, int position, byte value)
    {
        packet[position] = value;
        return packet;
    }

    private static int ReadRtp(byte[] bytes)
    {
        _ = PacketKind.Of(bytes);

        if (!RtpPacket.TryParse(bytes, out var packet))
            return 0;

        _ = (packet.Marker, packet.PayloadType, packet.SequenceNumber, packet.Timestamp, packet.Ssrc);
        Assert.Equal(bytes.Length, packet.HeaderLength + packet.Payload.Length + packet.PaddingLength);
        KeyFrame.StartsIn(VideoCodec.Vp8, packet.Payload);
        KeyFrame.StartsIn(VideoCodec.H264, packet.Payload);
        return 1;
    }

    private static int ReadRtcp(byte[] bytes)
    {
        var packets = 0;

        for (var reader = new RtcpReader(bytes); reader.TryNext(out var packet); packets++)
        {
            _ = (packet.SenderSsrc, packet.MediaSsrc, packet.IsPli, packet.TryReadSenderInfo(out _));
            var items = 0;

            foreach (var _ in packet.ReportBlocks)
                items++;

            foreach (var _ in packet.Nack)
                items++;

            foreach (var _ in packet.Fir)
                items++;

            foreach (var _ in packet.Bye)
                items++;

            if (packet.TryReadRemb(out var bitrate, out var ssrcs))
            {
                Assert.InRange(bitrate, 0, long.MaxValue);

                foreach (var _ in ssrcs)
                    items++;
            }

            Assert.InRange(items, 0, 17 * bytes.Length);
        }

        return packets;
    }
}
