using Sessions.Media.Dtls;
using Sessions.Media.Negotiation;
using Sessions.Media.Sdp;

namespace Sessions.Tests.Media.Network;

public sealed class HandshakeTests
{
    private static readonly TimeSpan LongEnough = TimeSpan.FromSeconds(20);

    [Fact]
    public void Both_roles_complete_the_handshake_over_a_lossy_reordering_network()
    {
        const int Seeds = 20;

        for (var seed = 0; seed < Seeds; seed++)
        {
            using var call = new SimulatedCall(seed)
            {
                Conditions = link => (link.Loss, link.Duplication, link.MaxDelay) = (0.15, 0.1, TimeSpan.FromMilliseconds(60)),
            };
            var publisher = call.AddPublisher("a");
            var subscriber = call.AddSubscriber();
            publisher.Negotiate();
            subscriber.Subscribe(publisher);
            subscriber.Negotiate();

            call.RunUntil(() => publisher.IsConnected && publisher.Peer.IsConnected, 25);
            call.RunUntil(() => subscriber.IsConnected && subscriber.Peer.IsConnected, 25);
        }
    }

    [Fact]
    public void Both_roles_complete_the_handshake_although_the_addresses_change()
    {
        const int Seeds = 40;

        for (var seed = 0; seed < Seeds; seed++)
        {
            using var call = new SimulatedCall(seed) { Conditions = link => link.MaxDelay = TimeSpan.FromMilliseconds(100) };
            var publisher = call.AddPublisher("a");
            var subscriber = call.AddSubscriber();
            publisher.Negotiate();
            subscriber.Subscribe(publisher);
            subscriber.Negotiate();
            SimulatedDevice[] devices = [publisher, subscriber];
            for (var change = 0; change < 6; change++)
            {
                call.Run(call.Network.Random.NextDouble());
                devices[call.Network.Random.Next(devices.Length)].AddFlow();
            }

            call.RunUntil(() => Array.TrueForAll(devices, device => device.IsConnected && device.Peer.IsConnected), 10);
        }
    }

    [Fact]
    public async Task A_server_with_a_silent_client_stays_idle()
    {
        using var association = new DtlsAssociation(isClient: false, DtlsCertificate.Create(), Nobody(), TimeSpan.Zero);

        for (var time = TimeSpan.Zero; time < TimeSpan.FromSeconds(5); time += TimeSpan.FromMilliseconds(100))
        {
            association.Advance(time);
            await Task.Run(association.WaitUntilIdle).WaitAsync(LongEnough);
        }

        Assert.Equal(DtlsState.Handshaking, association.State);
        Assert.False(association.TryTake(out _));
    }

    [Fact]
    public async Task A_client_with_a_silent_server_retransmits_with_growing_intervals_and_fails()
    {
        using var association = new DtlsAssociation(isClient: true, DtlsCertificate.Create(), Nobody(), TimeSpan.Zero);

        var sent = new List<TimeSpan>();
        for (var time = TimeSpan.Zero; time < TimeSpan.FromSeconds(31); time += TimeSpan.FromMilliseconds(50))
        {
            association.Advance(time);
            await Task.Run(association.WaitUntilIdle).WaitAsync(LongEnough);
            while (association.TryTake(out _))
                sent.Add(time);
        }

        Assert.Equal(DtlsState.Failed, association.State);
        Assert.InRange(sent.Count, 20, 40);
        Assert.Equal(TimeSpan.FromMilliseconds(100), sent[1]);
        Assert.Equal(TimeSpan.FromSeconds(1), sent[^1] - sent[^2]);
    }

    private static RemoteTransport Nobody() => new("abcd", "0123456789abcdefghijklmn", [Fingerprint.Of([1])], DtlsSetup.Active);
}
