using System.Text;
using Sessions.Media.Dtls;
using Sessions.Media.Negotiation;
using Sessions.Media.Rtp;
using Sessions.Media.Sdp;
using Sessions.Media.Srtp;
using Sessions.Media.Stun;
using Sessions.Tests.Infrastructure;

namespace Sessions.Tests.Media;

/// <summary>
/// Packets that Chromium 156 and Firefox 153 sent to the gateway when they published with the official SDK, with the passwords and keys of
/// those connections.
/// </summary>
public sealed class RecordedPacketTests
{
    [Theory]
    [InlineData("chromium")]
    [InlineData("firefox")]
    public void A_connectivity_check_is_authentic_only_with_its_password(string browser)
    {
        foreach (var line in Lines(browser, "stun"))
        {
            Assert.True(StunMessage.TryParse(Bytes(line[3]), out var message));
            Assert.True(message.TryGetUsername(out var username));

            Assert.StartsWith($"{line[1]}:", Encoding.ASCII.GetString(username), StringComparison.Ordinal);
            Assert.True(message.VerifyIntegrity(Encoding.ASCII.GetBytes(line[2])));
            Assert.False(message.VerifyIntegrity(Encoding.ASCII.GetBytes(line[1])));
            Assert.True(message.VerifyFingerprint());
            Assert.False(message.HasUnknownRequiredAttribute);
            Assert.NotNull(message.IceControlling);
        }
    }

    [Theory]
    [InlineData("chromium")]
    [InlineData("firefox")]
    public void The_first_flight_of_a_handshake_gets_a_ServerHello(string browser)
    {
        var peer = new RemoteTransport("fragment", "password", [new Fingerprint("sha-256", new byte[32])], DtlsSetup.Active);
        using var association = new DtlsAssociation(isClient: false, DtlsCertificate.Create(), peer, TimeSpan.Zero);
        foreach (var line in Lines(browser, "dtls"))
        {
            var datagram = Bytes(line[1]);
            Assert.Equal(PacketKind.Dtls, PacketKind.Of(datagram));
            association.Receive(datagram, TimeSpan.Zero);
        }

        association.WaitUntilIdle();

        // A ServerHello in a handshake record (RFC 6347, section 4.1).
        Assert.True(association.TryTake(out var answer));
        Assert.Equal((22, 2), (answer![0], answer[13]));
        Assert.Equal(DtlsState.Handshaking, association.State);
    }

    [Theory]
    [InlineData("chromium")]
    [InlineData("firefox")]
    public void Each_RTP_packet_is_decrypted_with_the_key_of_a_connection(string browser)
    {
        var receivers = Receivers(browser);
        List<(byte PayloadType, uint Ssrc)> streams = [];
        var keyFrames = 0;
        foreach (var line in Lines(browser, "rtp"))
        {
            var datagram = Bytes(line[1]);
            Assert.Equal(PacketKind.Rtp, PacketKind.Of(datagram));
            var (opened, length) = Open(receivers, datagram, (receiver, packet) => (receiver.TryUnprotectRtp(packet, out var count), count));
            Assert.Equal(1, opened);
            Assert.True(RtpPacket.TryParse(datagram.AsSpan(0, length), out var rtp));
            streams.Add((rtp.PayloadType, rtp.Ssrc));
            keyFrames += KeyFrame.StartsIn(VideoCodec.Vp8, rtp.Payload) && rtp.Payload.Length > 200 ? 1 : 0;
        }

        Assert.InRange(streams.Distinct().Count(), 2, 4);
        Assert.NotEqual(0, keyFrames);
    }

    [Theory]
    [InlineData("chromium")]
    [InlineData("firefox")]
    public void Each_RTCP_packet_is_decrypted_with_the_key_of_a_connection(string browser)
    {
        var receivers = Receivers(browser);
        var reports = 0;
        foreach (var line in Lines(browser, "rtcp"))
        {
            var datagram = Bytes(line[1]);
            Assert.Equal(PacketKind.Rtcp, PacketKind.Of(datagram));
            var (opened, length) = Open(receivers, datagram, (receiver, packet) => (receiver.TryUnprotectRtcp(packet, out var count), count));
            Assert.Equal(1, opened);
            var reader = new RtcpReader(datagram.AsSpan(0, length));
            while (reader.TryNext(out var packet))
                reports += packet.TryReadSenderInfo(out var info) && info.PacketCount > 0 ? 1 : 0;
        }

        Assert.NotEqual(0, reports);
    }

    private static (int Opened, int Length) Open(
        SrtpReceiver[] receivers, byte[] datagram, Func<SrtpReceiver, byte[], (bool IsOpen, int Length)> open)
    {
        foreach (var receiver in receivers)
        {
            if (open(receiver, datagram) is (true, var length))
                return (1, length);
        }

        return (0, 0);
    }

    private static SrtpReceiver[] Receivers(string browser)
        => [.. Lines(browser, "key").Select(line => new SrtpReceiver(new(Enum.Parse<SrtpProfile>(line[1]), Bytes(line[2]), Bytes(line[3]))))];

    private static byte[] Bytes(string hex) => Convert.FromHexString(hex);

    private static IEnumerable<string[]> Lines(string browser, string kind)
        => File.ReadLines(Path.Combine(Bicep.RepositoryFolder, "tests", "Media", "Packets", $"{browser}.txt"))
            .Select(line => line.Split(' ')).Where(line => line[0] == kind);
}
