using Sessions.Media.Dtls;
using Sessions.Media.Negotiation;
using Sessions.Media.Sdp;

namespace Sessions.Tests.Media.Dtls;

/// <summary>Two ends of a handshake, in virtual time.</summary>
public sealed class DtlsAssociationTests : IDisposable
{
    private static readonly TimeSpan Step = TimeSpan.FromMilliseconds(50);

    private readonly DtlsCertificate _clientCertificate = DtlsCertificate.Create();
    private readonly DtlsCertificate _serverCertificate = DtlsCertificate.Create();
    private readonly List<DtlsAssociation> _associations = [];

    public void Dispose() => _associations.ForEach(association => association.Dispose());

    [Fact]
    public void Both_ends_get_the_same_keys_in_opposite_directions()
    {
        var (client, server) = (Start(true, _clientCertificate, _serverCertificate), Start(false, _serverCertificate, _clientCertificate));

        Exchange(client, server, _ => true);

        Assert.Equal((DtlsState.Connected, DtlsState.Connected), (client.State, server.State));
        var (ofClient, ofServer) = (client.Keys!.Value, server.Keys!.Value);
        Assert.Equal(ofClient.Sending.Key, ofServer.Receiving.Key);
        Assert.Equal(ofClient.Sending.Salt, ofServer.Receiving.Salt);
        Assert.Equal(ofClient.Receiving.Key, ofServer.Sending.Key);
        Assert.NotEqual(ofClient.Sending.Key, ofClient.Receiving.Key);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_certificate_with_another_fingerprint_ends_the_handshake(bool isClientsOther)
    {
        var other = DtlsCertificate.Create();
        var client = Start(true, _clientCertificate, isClientsOther ? _serverCertificate : other);
        var server = Start(false, _serverCertificate, isClientsOther ? other : _clientCertificate);

        Exchange(client, server, _ => true);

        // The other end cannot trust an alert that anybody could have sent, and waits.
        Assert.Equal(DtlsState.Failed, (isClientsOther ? server : client).State);
        Assert.Equal((null, null), (client.Keys, server.Keys));
    }

    [Fact]
    public void Each_datagram_of_a_handshake_may_be_lost()
    {
        // A handshake has at most this many datagrams without loss; a lost one of the last flight is sent again when asked for.
        for (var lost = 0; lost < 8; lost++)
        {
            var (client, server) = (Start(true, _clientCertificate, _serverCertificate), Start(false, _serverCertificate, _clientCertificate));
            Exchange(client, server, sent => sent != lost);
            Assert.Equal((lost, DtlsState.Connected, DtlsState.Connected), (lost, client.State, server.State));
        }
    }

    [Fact]
    public void What_is_no_record_of_the_handshake_does_not_disturb_it()
    {
        var random = new Random(1);
        var (client, server) = (Start(true, _clientCertificate, _serverCertificate), Start(false, _serverCertificate, _clientCertificate));

        Exchange(client, server, _ =>
        {
            var noise = new byte[random.Next(1, 100)];
            random.NextBytes(noise);
            noise[0] = (byte)random.Next(26, 64);
            client.Receive(noise, TimeSpan.Zero);
            server.Receive(noise, TimeSpan.Zero);
            return true;
        });

        Assert.Equal((DtlsState.Connected, DtlsState.Connected), (client.State, server.State));
    }

    [Fact]
    public void A_handshake_that_nobody_answers_is_given_up_after_30_seconds()
    {
        var client = Start(true, _clientCertificate, _serverCertificate);
        var sent = 0;
        for (var now = TimeSpan.Zero; now < TimeSpan.FromSeconds(30); now += Step)
        {
            client.Advance(now);
            client.WaitUntilIdle();
            while (client.TryTake(out _))
                sent++;
            Assert.Equal(DtlsState.Handshaking, client.State);
        }

        client.Advance(TimeSpan.FromSeconds(30));
        Assert.Equal(DtlsState.Failed, client.State);

        // Twice as long after each time.
        Assert.InRange(sent, 5, 40);
    }

    private DtlsAssociation Start(bool isClient, DtlsCertificate own, DtlsCertificate other)
    {
        var peer = new RemoteTransport("fragment", "password", [other.Fingerprint], isClient ? DtlsSetup.Passive : DtlsSetup.Active);
        var association = new DtlsAssociation(isClient, own, peer, TimeSpan.Zero);
        _associations.Add(association);
        return association;
    }

    /// <summary>Carries datagrams between both for ten seconds; <paramref name="arrives"/> is given the number of each.</summary>
    private static void Exchange(DtlsAssociation client, DtlsAssociation server, Func<int, bool> arrives)
    {
        var count = 0;
        for (var now = TimeSpan.Zero; now < TimeSpan.FromSeconds(10); now += Step)
        {
            client.Advance(now);
            server.Advance(now);
            while (Carry(client, server, now) | Carry(server, client, now))
            {
                // Until both have nothing more to say.
            }
        }

        bool Carry(DtlsAssociation from, DtlsAssociation to, TimeSpan now)
        {
            from.WaitUntilIdle();
            if (!from.TryTake(out var datagram))
                return false;

            if (arrives(count++))
                to.Receive(datagram, now);
            return true;
        }
    }
}
