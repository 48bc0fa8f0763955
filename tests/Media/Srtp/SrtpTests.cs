using System.Buffers.Binary;
using System.Security.Cryptography;
using Sessions.Media.Rtp;
using Sessions.Media.Srtp;

namespace Sessions.Tests.Media.Srtp;

/// <summary>The two ends of an association, with both profiles.</summary>
public sealed class SrtpTests
{
    private const uint Ssrc = 0x1234_5678;

    public static TheoryData<SrtpProfile> Profiles => [SrtpProfile.Aes128CmHmacSha1_80, SrtpProfile.AeadAes128Gcm];

    [Theory, MemberData(nameof(Profiles))]
    public void Packets_of_every_length_are_decrypted_to_the_original(SrtpProfile profile)
    {
        using var ends = new Ends(profile);

        for (ushort length = 0; length < 4000; length += (ushort)(length < 300 ? 1 : 97))
        {
            var packet = Rtp(length, length);
            var sent = new byte[packet.Length + SrtpSender.MaxOverhead];
            var sentLength = ends.Sender.ProtectRtp(packet, sent);

            Assert.InRange(sentLength, packet.Length + 10, sent.Length);
            Assert.Equal(packet[..12], sent[..12]);
            Assert.True(length < 16 || !sent.AsSpan(12, length).SequenceEqual(packet.AsSpan(12)));
            Assert.True(ends.Receiver.TryUnprotectRtp(sent.AsSpan(0, sentLength), out var received));
            Assert.Equal(packet, sent[..received]);
        }
    }

    [Theory, MemberData(nameof(Profiles))]
    public void A_packet_can_be_protected_in_place(SrtpProfile profile)
    {
        var (one, other) = Ends.Pair(profile);
        using var ends = one;
        using var sameEnds = other;
        var packet = Rtp(1, 1200);
        byte[] inPlace = [.. packet, .. new byte[SrtpSender.MaxOverhead]];
        var elsewhere = new byte[inPlace.Length];

        var length = ends.Sender.ProtectRtp(inPlace.AsSpan(0, packet.Length), inPlace);

        Assert.Equal(length, sameEnds.Sender.ProtectRtp(packet, elsewhere));
        Assert.Equal(elsewhere[..length], inPlace[..length]);
    }

    [Theory, MemberData(nameof(Profiles))]
    public void Contributing_sources_and_extensions_are_not_encrypted(SrtpProfile profile)
    {
        using var ends = new Ends(profile);
        byte[] packet = [.. Rtp(1, 0), 1, 2, 3, 4, 0xbe, 0xde, 0, 1, 9, 9, 9, 9, .. "payload"u8];
        packet[0] = 0x91;

        var sent = ends.Protect(packet);

        Assert.Equal(packet[..24], sent[..24]);
        Assert.Equal(packet, ends.Unprotect(sent));
    }

    [Theory, MemberData(nameof(Profiles))]
    public void RTCP_packets_are_decrypted_to_the_original(SrtpProfile profile)
    {
        using var ends = new Ends(profile);

        for (var length = 8; length < 400; length += 4)
        {
            byte[] packet = [.. Rtcp(length)];
            var sent = ends.ProtectRtcp(packet);

            Assert.Equal(packet[..8], sent[..8]);
            Assert.Equal(packet, ends.UnprotectRtcp(sent));
        }
    }

    [Theory, MemberData(nameof(Profiles))]
    public void A_replayed_packet_is_rejected(SrtpProfile profile)
    {
        using var ends = new Ends(profile);
        var rtp = ends.Protect(Rtp(1, 100));
        var rtcp = ends.ProtectRtcp(Rtcp(40));

        Assert.NotNull(ends.Unprotect(rtp));
        Assert.NotNull(ends.UnprotectRtcp(rtcp));
        Assert.Null(ends.Unprotect(rtp));
        Assert.Null(ends.UnprotectRtcp(rtcp));
    }

    [Theory, MemberData(nameof(Profiles))]
    public void RTP_is_rejected_as_RTCP_and_with_another_key(SrtpProfile profile)
    {
        using var ends = new Ends(profile);
        using var others = new Ends(profile);
        var rtp = ends.Protect(Rtp(1, 100));

        Assert.Null(ends.UnprotectRtcp(rtp));
        Assert.Null(others.Unprotect(rtp));
        Assert.Null(ends.Unprotect(ends.ProtectRtcp(Rtcp(40))));
    }

    [Theory, MemberData(nameof(Profiles))]
    public void A_late_packet_is_accepted_only_within_the_replay_window(SrtpProfile profile)
    {
        using var ends = new Ends(profile);
        var sent = Enumerable.Range(0, 1100).Select(number => ends.Protect(Rtp((ushort)number, 20))).ToList();

        Assert.NotNull(ends.Unprotect(sent[1099]));

        for (var number = 1098; number >= 0; number--)
            Assert.Equal(number > 1099 - SrtpReceiver.RtpWindow, ends.Unprotect(sent[number]) is not null);

        Assert.All(sent, packet => Assert.Null(ends.Unprotect(packet)));
    }

    [Theory, MemberData(nameof(Profiles))]
    public void Sequence_numbers_roll_over_despite_reordering_and_retransmission(SrtpProfile profile)
    {
        using var ends = new Ends(profile);
        var random = new Random(1);

        // Three rollovers, in groups. The packets of a group are sent in order, arrive in any order, and are retransmitted one group later.
        byte[][] before = [];

        for (var start = 65_000; start < 4 * 65_536; start += 500)
        {
            var packets = Enumerable.Range(start, 500).Where(_ => random.Next(20) == 0).Select(number => Rtp((ushort)number, 8)).ToArray();
            var sent = packets.Select(ends.Protect).ToArray();
            var order = Enumerable.Range(0, sent.Length).ToArray();
            random.Shuffle(order);

            Assert.All(order, i => Assert.Equal(packets[i], ends.Unprotect(sent[i])));
            Assert.All(before, packet => Assert.Null(ends.Unprotect(ends.Protect(packet))));
            before = packets;
        }
    }

    [Theory, MemberData(nameof(Profiles))]
    public void A_packet_retransmitted_after_the_rollover_has_the_same_bytes(SrtpProfile profile)
    {
        using var ends = new Ends(profile);
        var packet = Rtp(65_535, 50);
        var first = ends.Protect(packet);
        var next = ends.Protect(Rtp(0, 50));

        Assert.Equal(first, ends.Protect(packet));
        Assert.NotNull(ends.Unprotect(first));
        Assert.NotNull(ends.Unprotect(next));
    }

    [Fact]
    public void A_packet_with_a_negative_packet_index_is_not_sent()
    {
        using var ends = new Ends(SrtpProfile.AeadAes128Gcm);

        Assert.NotEmpty(ends.Protect(Rtp(1, 10)));
        Assert.Empty(ends.Protect(Rtp(65_535, 10)));
    }

    [Theory]
    [InlineData(100, 32_767)]
    [InlineData(100, 32_768)]
    [InlineData(60_000, 32_767)]
    public void A_gap_of_up_to_half_of_all_sequence_numbers_is_bridged(int first, int distance)
    {
        using var ends = new Ends(SrtpProfile.Aes128CmHmacSha1_80);

        // The sender has processed every packet, the receiver only the first and the last.
        Assert.NotNull(ends.Unprotect(ends.Protect(Rtp((ushort)first, 10))));
        ends.Protect(Rtp((ushort)(first + (distance / 2)), 10));
        Assert.NotNull(ends.Unprotect(ends.Protect(Rtp((ushort)(first + distance), 10))));
    }

    [Fact]
    public void After_a_larger_gap_no_packet_is_accepted_even_after_wraparound()
    {
        using var ends = new Ends(SrtpProfile.Aes128CmHmacSha1_80);
        Assert.NotNull(ends.Unprotect(ends.Protect(Rtp(60_000, 10))));
        ends.Protect(Rtp(unchecked((ushort)80_000), 10));

        Assert.Null(ends.Unprotect(ends.Protect(Rtp(unchecked((ushort)(60_000 + 32_769)), 10))));
        ends.Protect(Rtp(60_000, 10));
        Assert.Null(ends.Unprotect(ends.Protect(Rtp(60_001, 10))));
    }

    [Theory, MemberData(nameof(Profiles))]
    public void A_packet_with_any_flipped_bit_is_rejected_and_changes_nothing(SrtpProfile profile)
    {
        using var ends = new Ends(profile);
        var rtp = ends.Protect(Rtp(7, 40));
        var rtcp = ends.ProtectRtcp(Rtcp(32));

        Assert.All(WithOneBitFlipped(rtp), forged => Assert.True(IsRefusedUnchanged(forged, ends.Receiver.TryUnprotectRtp)));
        Assert.All(WithOneBitFlipped(rtcp), forged => Assert.True(IsRefusedUnchanged(forged, ends.Receiver.TryUnprotectRtcp)));
        Assert.NotNull(ends.Unprotect(rtp));
        Assert.NotNull(ends.UnprotectRtcp(rtcp));
    }

    [Theory, MemberData(nameof(Profiles))]
    public void Forged_packets_add_no_SSRC(SrtpProfile profile)
    {
        using var ends = new Ends(profile);
        var forged = new byte[60];
        var random = new Random(1);

        for (uint ssrc = 0; ssrc < 2 * SrtpReceiver.MaxSsrcs; ssrc++)
        {
            random.NextBytes(forged);
            RtpHeader.Write(forged, false, 96, 1, 0, ssrc);
            Assert.Null(ends.Unprotect(forged));
            Assert.Null(ends.UnprotectRtcp(forged));
        }

        Assert.NotNull(ends.Unprotect(ends.Protect(Rtp(1, 10))));
        Assert.NotNull(ends.UnprotectRtcp(ends.ProtectRtcp(Rtcp(40))));
    }

    [Fact]
    public void SSRCs_over_the_limit_are_rejected_and_existing_ones_keep_working()
    {
        using var ends = new Ends(SrtpProfile.AeadAes128Gcm);
        var packets = Enumerable.Range(0, SrtpSender.MaxSsrcs).Select(ssrc => ends.Protect(Rtp(1, 10, (uint)ssrc))).ToList();

        Assert.All(packets, packet => Assert.NotNull(ends.Unprotect(packet)));
        Assert.Empty(ends.Protect(Rtp(1, 10, SrtpSender.MaxSsrcs)));
        Assert.All(packets, packet => Assert.Null(ends.Unprotect(packet)));
        Assert.NotNull(ends.Unprotect(ends.Protect(Rtp(2, 10, 0))));
    }

    [Theory, MemberData(nameof(Profiles))]
    public void Nothing_is_sent_beyond_the_packet_limit_of_a_key(SrtpProfile profile)
    {
        using var ends = new Ends(profile);
        ends.Sender.Continue(Ssrc, PacketIndex.Limit - 2);
        ends.Receiver.Continue(Ssrc, PacketIndex.Limit - 2);
        ends.Sender.NextRtcpIndex = (1U << 31) - 1;

        Assert.NotNull(ends.Unprotect(ends.Protect(Rtp(0xffff, 10))));
        Assert.Empty(ends.Protect(Rtp(0, 10)));
        Assert.NotNull(ends.UnprotectRtcp(ends.ProtectRtcp(Rtcp(40))));
        Assert.Empty(ends.ProtectRtcp(Rtcp(40)));
    }

    [Theory, MemberData(nameof(Profiles))]
    public void Packets_that_are_too_short_are_rejected(SrtpProfile profile)
    {
        using var ends = new Ends(profile);

        for (var length = 0; length < 40; length++)
        {
            var packet = new byte[length];
            packet.AsSpan(0, Math.Min(length, 1)).Fill(0x80);

            Assert.Null(ends.Unprotect(packet));
            Assert.Null(ends.UnprotectRtcp(packet));
            Assert.Equal(length < 12, ends.Protect(packet).Length == 0);
            Assert.Equal(length < 8, ends.ProtectRtcp(packet).Length == 0);
        }
    }

    [Theory, MemberData(nameof(Profiles))]
    public void Protecting_and_unprotecting_a_packet_allocates_nothing(SrtpProfile profile)
    {
        using var ends = new Ends(profile);
        var buffer = new byte[1200 + SrtpSender.MaxOverhead];
        SendAndReceive(0, 100);

        var before = GC.GetAllocatedBytesForCurrentThread();
        SendAndReceive(100, 1000);

        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());

        void SendAndReceive(int from, int to)
        {
            for (var number = from; number < to; number++)
            {
                RtpHeader.Write(buffer, false, 96, (ushort)number, 0, Ssrc);
                var length = ends.Sender.ProtectRtp(buffer.AsSpan(0, 1200), buffer);
                ends.Receiver.TryUnprotectRtp(buffer.AsSpan(0, length), out length);
                length = ends.Sender.ProtectRtcp(buffer.AsSpan(0, 1200), buffer);
                ends.Receiver.TryUnprotectRtcp(buffer.AsSpan(0, length), out length);
            }
        }
    }

    [Theory]
    [InlineData(SrtpProfile.Aes128CmHmacSha1_80, 15, 14)]
    [InlineData(SrtpProfile.Aes128CmHmacSha1_80, 16, 12)]
    [InlineData(SrtpProfile.AeadAes128Gcm, 16, 14)]
    [InlineData(SrtpProfile.AeadAes128Gcm, 32, 12)]
    [InlineData((SrtpProfile)2, 16, 14)]
    public void A_master_key_with_a_length_that_does_not_match_its_profile_throws(SrtpProfile profile, int keyLength, int saltLength)
        => Assert.Throws<ArgumentException>(() => new SrtpMasterKey(profile, new byte[keyLength], new byte[saltLength]));

    private static byte[] Rtp(ushort sequenceNumber, int payloadLength, uint ssrc = Ssrc)
    {
        var packet = new byte[RtpHeader.Length + payloadLength];
        new Random(sequenceNumber).NextBytes(packet);
        RtpHeader.Write(packet, false, 96, sequenceNumber, 3000U * sequenceNumber, ssrc);
        return packet;
    }

    private static byte[] Rtcp(int length)
    {
        var packet = new byte[length];
        new Random(length).NextBytes(packet);
        packet[0] = 0x80;
        packet[1] = RtcpType.SenderReport;
        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(2), (ushort)((length / 4) - 1));
        BinaryPrimitives.WriteUInt32BigEndian(packet.AsSpan(4), Ssrc);
        return packet;
    }

    private static IEnumerable<byte[]> WithOneBitFlipped(byte[] packet) => Enumerable.Range(0, packet.Length * 8).Select(bit =>
    {
        byte[] forged = [.. packet];
        forged[bit / 8] ^= (byte)(1 << (bit % 8));
        return forged;
    });

    private static bool IsRefusedUnchanged(byte[] packet, TryUnprotect tryUnprotect)
    {
        byte[] before = [.. packet];
        return !tryUnprotect(packet, out _) && before.AsSpan().SequenceEqual(packet);
    }

    private delegate bool TryUnprotect(Span<byte> packet, out int length);

    private sealed class Ends(SrtpMasterKey key) : IDisposable
    {
        public Ends(SrtpProfile profile)
            : this(Key(profile))
        {
        }

        public SrtpSender Sender { get; } = new(key);

        public SrtpReceiver Receiver { get; } = new(key);

        public static (Ends One, Ends Other) Pair(SrtpProfile profile)
        {
            var key = Key(profile);
            return (new(key), new(key));
        }

        public byte[] Protect(byte[] packet)
        {
            var sent = new byte[packet.Length + SrtpSender.MaxOverhead];
            return sent[..Sender.ProtectRtp(packet, sent)];
        }

        public byte[] ProtectRtcp(byte[] packet)
        {
            var sent = new byte[packet.Length + SrtpSender.MaxOverhead];
            return sent[..Sender.ProtectRtcp(packet, sent)];
        }

        public byte[]? Unprotect(byte[] sent)
        {
            byte[] packet = [.. sent];
            return Receiver.TryUnprotectRtp(packet, out var length) ? packet[..length] : null;
        }

        public byte[]? UnprotectRtcp(byte[] sent)
        {
            byte[] packet = [.. sent];
            return Receiver.TryUnprotectRtcp(packet, out var length) ? packet[..length] : null;
        }

        public void Dispose()
        {
            Sender.Dispose();
            Receiver.Dispose();
        }

        private static SrtpMasterKey Key(SrtpProfile profile)
            => new(profile, RandomNumberGenerator.GetBytes(SrtpMasterKey.KeyLength), RandomNumberGenerator.GetBytes(SrtpMasterKey.SaltLength(profile)));
    }
}
