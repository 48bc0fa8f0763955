using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using Sessions.Media;
using Sessions.Media.Ice;

namespace Sessions.Gateway.Network;

/// <summary>The media port, over UDP and TCP. It passes datagrams and the time to the engine, and sends the engine's output.</summary>
internal sealed class MediaSockets : IHostedService, IDisposable
{
    private const int MaxSockets = 16;
    private const int MaxTries = 20;

    // Shorter than the shortest wait of the engine, which is the 15 ms before a lost packet is requested.
    private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(10);
    private static readonly TimeSpan IdleTick = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan FlowLifetime = 2 * IceLite.ConsentLifetime;
    private static readonly TimeSpan ForgetInterval = TimeSpan.FromSeconds(1);

    private readonly GatewayOptions _options;
    private readonly TimeProvider _time;
    private readonly long _started;
    private readonly ConcurrentDictionary<SocketAddress, UdpFlow> _flows = [];
    private readonly CancellationTokenSource _stop = new();
    private UdpSocket[] _udp = [];
    private TcpMedia? _tcp;
    private Thread? _timer;

    public MediaSockets(GatewayOptions options, TimeProvider time)
    {
        (_options, _time, _started) = (options, time, time.GetTimestamp());
        Engine = new(Now, Candidates, Wake);
    }

    public MediaEngine Engine { get; }

    /// <summary>The port of all media, or 0 until it is bound.</summary>
    public int Port { get; private set; }

    /// <summary>Binds the port.</summary>
    /// <exception cref="GatewayException">It cannot be bound.</exception>
    public Task StartAsync(CancellationToken cancellationToken)
    {
        // A port that is free for UDP may be in use for TCP, so several ports are tried.
        var tries = _options.MediaPort == 0 ? MaxTries : 1;
        try
        {
            while (!TryBind(isLast: --tries == 0))
            {
                // Try another port.
            }
        }
        catch (SocketException exception)
        {
            throw new GatewayException(
                $"Port {_options.MediaPort} of Gateway:{nameof(GatewayOptions.MediaPort)} cannot be bound for media over UDP and TCP: {exception.Message}.");
        }

        foreach (var socket in _udp)
            socket.Start();
        _tcp!.Start();
        _timer = new(RunTimer) { IsBackground = true, Name = "Media timer" };
        _timer.Start();
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken)
    {
        Close();
        return Task.CompletedTask;
    }

    public void Dispose()
    {
        Close();
        _stop.Dispose();
    }

    /// <summary>Sends everything in the outbox, and clears it.</summary>
    public static void Send(Outbox outbox, UdpSocket udp)
    {
        for (var index = 0; index < outbox.Count; index++)
        {
            var (flow, datagram) = outbox[index];
            if (flow is UdpFlow udpFlow)
                udp.Send(udpFlow, datagram.Span);
            else
                ((TcpFlow)flow).Send(datagram.Span);
        }

        outbox.Clear();
    }

    private bool TryBind(bool isLast)
    {
        try
        {
            Bind();
            return true;
        }
        catch (SocketException) when (!isLast)
        {
            foreach (var socket in _udp)
                socket.Dispose();
            _udp = [];
            return false;
        }
    }

    private void Bind()
    {
        // A socket with a shared port would also share it with another program of the same user. The first socket is not shared, so it
        // fails if the port is in use.
        using (var probe = new UdpSocket(Engine, _flows, Now, _options.MediaPort, isShared: false))
            Port = probe.LocalPort;

        var count = UdpSocket.CanSharePort ? Math.Min(Environment.ProcessorCount, MaxSockets) : 1;
        _udp = [.. Enumerable.Range(0, count).Select(_ => new UdpSocket(Engine, _flows, Now, Port, isShared: count > 1))];
        _tcp = new(Engine, Now, _udp[0], Port);
    }

    private TimeSpan Now() => _time.GetElapsedTime(_started);

    private string[] Candidates()
        =>
        [
            .. from transport in new[] { CandidateTransport.Udp, CandidateTransport.TcpPassive }
               from address in _options.PublicAddresses.Index()
               select Candidate.Host(new(address.Item, Port), transport, address.Index).ToString(),
        ];

    private void RunTimer()
    {
        var outbox = new Outbox();
        var forgotten = Now();
        while (!_stop.IsCancellationRequested)
        {
            Thread.Sleep(Engine.PeerCount == 0 ? IdleTick : Tick);
            var now = Now();
            Engine.Advance(now, outbox);
            Send(outbox, _udp[0]);
            if (now - forgotten < ForgetInterval)
                continue;

            forgotten = now;
            foreach (var (address, flow) in _flows)
            {
                if (flow.Owner is null || now - flow.LastCheck > FlowLifetime)
                    _flows.TryRemove(address, out _);
            }
        }
    }

    /// <summary>Sends the datagrams of a peer, on another thread because the caller may hold the peer's lock.</summary>
    private void Wake(Peer peer)
        => ThreadPool.UnsafeQueueUserWorkItem(
            static work =>
            {
                var outbox = new Outbox();
                MediaEngine.Advance(work.Peer, work.Sockets.Now(), outbox);
                if (work.Sockets._udp is [var udp, ..])
                    Send(outbox, udp);
            },
            (Peer: peer, Sockets: this),
            preferLocal: false);

    private void Close()
    {
        if (_stop.IsCancellationRequested)
            return;

        _stop.Cancel();
        foreach (var socket in _udp)
            socket.Dispose();
        _tcp?.Dispose();
        _timer?.Join();
    }
}
