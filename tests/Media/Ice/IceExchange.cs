using System.Net;
using Sessions.Media;
using Sessions.Media.Ice;
using Sessions.Media.Stun;

namespace Sessions.Tests.Media.Ice;

/// <summary>
/// A full ICE agent and a lite one over a network that loses, delays, duplicates and therefore reorders datagrams. It runs in virtual time,
/// and is the same in every run with the same seed.
/// </summary>
internal sealed class IceExchange
{
    private const int MaxSteps = 100_000;

    private readonly Random _random;
    private readonly Outbox _outbox = new();
    private readonly PriorityQueue<Delivery, TimeSpan> _network = new();
    private readonly Dictionary<Flow, Flow> _serverFlows = [];
    private readonly byte[] _response = new byte[IceLite.MaxResponseLength];

    public IceExchange(int seed = 0)
    {
        _random = new(seed);
        Client = new(IceCredentials.Create(), Lite.Local, _random);
        Lite.Remote = Client.Local;
    }

    public IceLite Lite { get; } = new(IceCredentials.Create());

    public IceClient Client { get; }

    public TimeSpan Now { get; private set; }

    /// <summary>The probability that a datagram is lost, in each direction. TCP loses none.</summary>
    public double Loss { get; set; }

    /// <summary>The probability that a datagram arrives twice.</summary>
    public double Duplication { get; set; }

    /// <summary>The maximum delay, in each direction.</summary>
    public TimeSpan MaxDelay { get; set; } = TimeSpan.FromMilliseconds(20);

    /// <summary>The client's flows that are blocked.</summary>
    public HashSet<Flow> Blocked { get; } = [];

    /// <summary>The requests that the client has sent, with their times.</summary>
    public List<(TimeSpan Time, Flow Flow, byte[] Request)> Sent { get; } = [];

    /// <summary>Changes a response on its way. Null means that it is lost.</summary>
    public Func<byte[], byte[]?> Response { get; set; } = response => response;

    /// <summary>The server's end of the client's flow.</summary>
    public Flow? AtServer(Flow? client) => client is null ? null : _serverFlows[client];

    public TestFlow AddFlow(uint priority, bool isTcp = false)
    {
        var flow = new TestFlow(new(IPAddress.Parse("192.0.2.1"), 1 + _serverFlows.Count), isTcp);
        _serverFlows.Add(flow, new TestFlow(new(IPAddress.Parse("198.51.100.1"), 1 + _serverFlows.Count), isTcp));
        Client.AddFlow(flow, priority);
        return flow;
    }

    /// <summary>Advances the time to <paramref name="seconds"/>, or until <paramref name="isReached"/>.</summary>
    public void Run(double seconds, Func<bool>? isReached = null)
    {
        var end = TimeSpan.FromSeconds(seconds);
        for (var step = 0; isReached?.Invoke() != true; step++)
        {
            Assert.InRange(step, 0, MaxSteps);
            var next = Client.Deadline is { } deadline && deadline < end ? deadline : end;
            if (_network.TryPeek(out _, out var arrival) && arrival < next)
                next = arrival;

            Now = next > Now ? next : Now;
            if (arrival <= Now && _network.TryDequeue(out var delivery, out _))
                Deliver(delivery);
            else if (Client.Deadline <= Now)
                Advance();
            else
                break;
        }
    }

    private void Advance()
    {
        Client.Advance(Now, _outbox);
        for (var i = 0; i < _outbox.Count; i++)
        {
            var (flow, datagram) = _outbox[i];
            Sent.Add((Now, flow, datagram.ToArray()));
            Send(new(flow, datagram.ToArray(), IsRequest: true));
        }

        _outbox.Clear();
    }

    private void Deliver(Delivery delivery)
    {
        Assert.True(StunMessage.TryParse(delivery.Datagram, out var message));
        if (!delivery.IsRequest)
        {
            Client.Receive(message, delivery.ClientFlow, Now);
        }
        else
        {
            Lite.Check(message, _serverFlows[delivery.ClientFlow], Now, _response, out var length);
            if (length > 0 && Response(_response[..length]) is { } response)
                Send(new(delivery.ClientFlow, response, IsRequest: false));
        }
    }

    private void Send(Delivery delivery)
    {
        if (Blocked.Contains(delivery.ClientFlow))
            return;

        var isReliable = delivery.ClientFlow.IsTcp;
        if (isReliable || _random.NextDouble() >= Loss)
            _network.Enqueue(delivery, Now + MaxDelay * _random.NextDouble());

        if (!isReliable && _random.NextDouble() < Duplication)
            _network.Enqueue(delivery, Now + 10 * MaxDelay * _random.NextDouble());
    }

    private sealed record Delivery(Flow ClientFlow, byte[] Datagram, bool IsRequest);
}
